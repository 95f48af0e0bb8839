import { readWhole } from './read.js';

/** Who a process of some user is, as far as a file's mode asks. */
export interface Account {
  uid: number;
  /** The primary group and every group that lists the user. */
  gids: ReadonlySet<number>;
}

/** Looks a user up in /etc/passwd and /etc/group; `undefined` if there is none, or these may not be read. */
export function findAccount(user: string): Account | undefined {
  return parseAccount(user, readText('/etc/passwd'), readText('/etc/group'));
}

/**
 * Finds a user in texts of the form of passwd(5) and group(5).
 *
 * @returns `undefined` if there is no such user.
 */
export function parseAccount(user: string, passwd: string, group: string): Account | undefined {
  const [, , uid, gid] = fieldsOf(passwd).find(([name]) => name === user) ?? [];
  if (uid === undefined || gid === undefined) {
    return undefined;
  }
  const gids = new Set([Number(gid)]);
  for (const [, , id, members] of fieldsOf(group)) {
    if (id !== undefined && members?.split(',').includes(user)) {
      gids.add(Number(id));
    }
  }
  return { uid: Number(uid), gids };
}

function fieldsOf(text: string): string[][] {
  return text.split('\n').map((line) => line.trimEnd().split(':'));
}

function readText(path: string): string {
  const read = readWhole(path);
  return read.kind === 'ok' ? Buffer.from(read.bytes).toString() : '';
}
