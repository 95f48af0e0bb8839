import { addon } from './addon.js';
import { translated } from './error.js';
import type { LaunchPlan } from './index.js';

/** The one capability that a program may keep. */
export type Capability = NonNullable<LaunchPlan['capability']>;
/** The tables of allowed system calls (crates/sandbox). */
export type Profile = Parameters<typeof addon.lock>[0];
/** What a system call outside of the table meets: a line in the kernel's log, or the end of the process. */
export type LockMode = Parameters<typeof addon.lock>[1];

/** Replaces this process by what `plan` says; comes back only with an error. @throws NativeError */
export function launch(plan: LaunchPlan): never {
  translated(() => addon.launch(plan));
  throw new Error('the launch came back without an error: please report it');
}

/**
 * Asks the kernel whether this process was launched, and makes it undumpable.
 * @returns what this kernel could not do for the launch, a line each; @throws NativeError if it was not
 */
export function proveLaunch(capability: Capability | undefined, mayBeRoot: boolean): string[] {
  return translated(() => addon.proveLaunch(capability, mayBeRoot));
}

/** Whether this process is in a user namespace with one user only: there is nobody else to become. */
export function isAlone(): boolean {
  return addon.isAlone();
}

/** Whether there is a system call filter for this processor. */
export function hasFilter(): boolean {
  return addon.hasFilter();
}

/** Installs the system call filter on every thread, for good. @throws NativeError */
export function lock(profile: Profile, mode: LockMode): void {
  translated(() => addon.lock(profile, mode));
}
