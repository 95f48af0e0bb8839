import { hasFilter, type LockMode, lock, type Profile } from '../native/sandbox.js';

/**
 * Locks the process, if the configuration asks for it: from here on the profile's system calls are all it has.
 * @returns a warning where there is no filter for this processor
 * @throws NativeError when the kernel does not take the filter: asked-for protection must be there
 */
export function lockDown(profile: Profile, mode: 'off' | LockMode): string | undefined {
  if (mode === 'off') {
    return undefined;
  }
  if (!hasFilter()) {
    return `seccomp = ${mode}: there is no filter for ${process.arch}: going on without`;
  }
  lock(profile, mode);
  return undefined;
}
