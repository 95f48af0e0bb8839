import { join } from 'node:path';
import { findAccount } from './accounts.js';
import { emptyClientConfig, parseClientConfig } from './client.js';
import { decodeUtf8 } from './decode.js';
import { type Loaded, withProblems } from './loaded.js';
import type { ClientConfig, Problem, ServerConfig } from './model.js';
import { clientModeWarnings, DOOR_USER, type Ownership, serverModeWarnings } from './modes.js';
import { CLIENT_FILE, FOLDERS, SERVER_FILE } from './places.js';
import { type Read, readWhole } from './read.js';
import { parseServerConfig } from './server.js';

export { parseClientConfig } from './client.js';
export type { Loaded } from './loaded.js';
export { parseServerConfig } from './server.js';

/**
 * Loads the server's configuration. Synchronous, never throws; besides the file it reads /etc/passwd and /etc/group,
 * for the warning that the public daemon's user may read the keys.
 *
 * @param path The file; `undefined`: the first of `folders` that has a `letmeind.conf`.
 * @returns `invalid` also when there is no file.
 */
export function loadServerConfig(
  path: string | undefined,
  folders: readonly string[] = FOLDERS,
): Loaded<ServerConfig> {
  const found = find(path, SERVER_FILE, folders);
  if (found.read.kind === 'missing') {
    const what = `there is no such file: copy the example etc/${SERVER_FILE} there, or name one with -c`;
    return { kind: 'invalid', problems: [aboutFile('error', found.places, what)] };
  }
  return load(found.path, found.read, parseServerConfig, (file) =>
    serverModeWarnings(file, findAccount(DOOR_USER)),
  );
}

/**
 * Loads the client's configuration. Synchronous, never throws.
 *
 * @param path The file; `undefined`: the first of `folders` that has a `letmein.conf`.
 * @returns Without a file, an empty configuration; with a warning if it was named.
 */
export function loadClientConfig(
  path: string | undefined,
  folders: readonly string[] = FOLDERS,
): Loaded<ClientConfig> {
  const found = find(path, CLIENT_FILE, folders);
  if (found.read.kind === 'missing') {
    const what = 'there is no such file: going on without keys and resources';
    const warnings = path === undefined ? [] : [aboutFile('warning', path, what)];
    return { kind: 'ok', config: emptyClientConfig(), warnings };
  }
  return load(found.path, found.read, parseClientConfig, (file) =>
    // Windows has no such modes; Node makes them up.
    process.platform === 'win32' ? [] : clientModeWarnings(file),
  );
}

interface Found {
  path: string;
  /** All places that were looked at, for a message. */
  places: string;
  read: Read;
}

/** A file that is there but cannot be read ends the search: another one must not take its place unnoticed. */
function find(path: string | undefined, name: string, folders: readonly string[]): Found {
  const candidates = path === undefined ? folders.map((folder) => join(folder, name)) : [path];
  for (const candidate of candidates) {
    const read = readWhole(candidate);
    if (read.kind !== 'missing') {
      return { path: candidate, places: candidate, read };
    }
  }
  const places = candidates.join(' or ');
  return { path: candidates.at(-1) ?? name, places, read: { kind: 'missing' } };
}

function load<T>(
  path: string,
  read: Exclude<Read, { kind: 'missing' }>,
  parse: (text: string, file: string) => Loaded<T>,
  modeWarnings: (file: Ownership) => string[],
): Loaded<T> {
  if (read.kind === 'failed') {
    return { kind: 'invalid', problems: [aboutFile('error', path, read.what)] };
  }
  const { text, wrong } = decodeUtf8(read.bytes);
  const modes = modeWarnings(read.stats).map((what) => aboutFile('warning', path, what));
  const encoding = wrong.map((place) => ({
    ...aboutFile('error', path, 'not UTF-8: save the file in that encoding'),
    ...place,
  }));
  return withProblems(parse(text, path), [...modes, ...encoding]);
}

function aboutFile(severity: Problem['severity'], file: string, what: string): Problem {
  return { severity, file, line: 0, column: 0, what, source: undefined };
}
