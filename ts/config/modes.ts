import type { Account } from './accounts.js';

/** Permission bits of stat(2). */
const GROUP_WRITE = 0o020;
const WORLD_WRITE = 0o002;
const WORLD_ANY = 0o007;

/** What matters of a file's `Stats`. */
export interface Ownership {
  uid: number;
  gid: number;
  mode: number;
}

/** The public daemon's user: it must not read the keys. */
export const DOOR_USER = 'letmeind';
const ADVICE = 'recommended is 0640 root:letmeinfwd';

/**
 * What is wrong with the owner and mode of `letmeind.conf`.
 *
 * @param door The user letmeind, if there is one on this machine.
 * @returns One text for each warning.
 */
export function serverModeWarnings(file: Ownership, door: Account | undefined): string[] {
  const warnings: string[] = [];
  if (file.uid !== 0) {
    warnings.push(`is not owned by root: ${ADVICE}`);
  }
  if ((file.mode & GROUP_WRITE) !== 0) {
    warnings.push(`may be written by its group (mode ${octal(file.mode)}): ${ADVICE}`);
  }
  if ((file.mode & WORLD_ANY) !== 0) {
    warnings.push(`is open to every user (mode ${octal(file.mode)}): ${ADVICE}`);
  }
  if (door !== undefined && mayRead(file, door)) {
    const who = `may be read by the user ${DOOR_USER}, whom the network talks to`;
    warnings.push(`${who}: ${ADVICE}`);
  }
  return warnings;
}

/** What is wrong with the mode of `letmein.conf`: one text for each warning. */
export function clientModeWarnings(file: Ownership): string[] {
  if ((file.mode & (GROUP_WRITE | WORLD_WRITE)) === 0) {
    return [];
  }
  return [
    `may be written by others than its owner (mode ${octal(file.mode)}): take it away with chmod go-w`,
  ];
}

/** The kernel's order (path_resolution(7)): the owner's bits, else the group's, else the others'. */
function mayRead(file: Ownership, account: Account): boolean {
  if (account.uid === 0) {
    return true;
  }
  if (account.uid === file.uid) {
    return (file.mode & 0o400) !== 0;
  }
  return (file.mode & (account.gids.has(file.gid) ? 0o040 : 0o004)) !== 0;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
