import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where the files are looked for, first hit wins, as upstream does. */
export const FOLDERS: readonly string[] = ['/opt/letmein/etc', '/etc'];
export const SERVER_FILE = 'letmeind.conf';
export const CLIENT_FILE = 'letmein.conf';

/**
 * What a program must be able to reach that reads a configuration: the folders, as files are replaced there, and those
 * where links lead. Of the root folder only the file: all else is in it.
 *
 * @param path As `-c` names it; `undefined`: wherever `name` is looked for.
 */
export function placesOf(name: string, path: string | undefined): string[] {
  const files = path === undefined ? FOLDERS.map((folder) => join(folder, name)) : [resolve(path)];
  return [...files, ...files.flatMap(realPath)].map((file) =>
    dirname(file) === '/' ? file : dirname(file),
  );
}

function realPath(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}
