/** Whom the daemons run as in a test's server, and how a test acts as one of them. */

export const IS_ROOT = process.geteuid?.() === 0;

/**
 * The daemons' users in a server that root has made: nobody on a real machine. (In a user namespace of its own a world has
 * no other user than root.)
 */
export const ACCOUNTS = { letmeind: 64_001, letmeinfwd: 64_002 } as const;

/** Does something that must not wait as a daemon's user, so that the kernel records him as who did it (SO_PEERCRED). */
export function as<T>(user: keyof typeof ACCOUNTS, act: () => T): T {
  if (!IS_ROOT) return act();
  // The judge reaches the door's socket by its group.
  process.setegid?.(ACCOUNTS.letmeind);
  process.seteuid?.(ACCOUNTS[user]);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
