import { readFileSync } from 'node:fs';

/** Looks up a system user's or group's number in `/etc/passwd` or `/etc/group`; undefined if it has none. */
export function idOf(name: string, file: '/etc/passwd' | '/etc/group'): number | undefined {
  const line = linesOf(file).find((entry) => entry.startsWith(`${name}:`));
  const id = Number.parseInt(line?.split(':')[2] ?? '', 10);
  return Number.isNaN(id) ? undefined : id;
}

/** A system without the file has no such user either. */
function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
