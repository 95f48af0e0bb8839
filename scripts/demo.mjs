// @ts-check
/**
 * `npm run demo`: sets up, then shows letmein at work in a user and a network namespace of its own.
 * Nothing of this machine's network or firewall is touched, and everything is gone when it ends.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installed } from './installed.mjs';
import { setup } from './setup.mjs';
import { environment, isMain, main, ROOT, StepFailed, succeeds } from './step.mjs';

const SESSION = join(ROOT, 'scripts', 'demo-session.mjs');
const PLAIN = ['unshare', '--net', '--mount', '--propagation', 'private'];
/** Root of the new user namespace is the caller, and has no power outside of it. */
const AS_ANYBODY = [...PLAIN, '--user', '--map-root-user'];

/** The first kind of namespace that works here. Containers may forbid user namespaces and still let root have the others. */
async function namespaces() {
  // Some systems allow the namespace and take the capabilities away: try to use one.
  const use = ['--', 'ip', 'link', 'set', 'lo', 'up'];
  if (await succeeds([...AS_ANYBODY, ...use])) return AS_ANYBODY;
  if (process.getuid?.() === 0 && (await succeeds([...PLAIN, ...use]))) return PLAIN;
  throw new StepFailed(
    'the demo needs a network namespace, and this system gives you none. Run it as root, or allow user namespaces:\n  sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0',
  );
}

/** @returns {Promise<number>} */
async function demo() {
  await setup();
  const space = await namespaces();
  // Only where there are other users do the daemons become others.
  const from = space === PLAIN ? await installed() : ROOT;
  const [file = '', ...args] = [...space, '--', process.execPath, SESSION];
  const env = { ...environment(), LETMEIN_INSTALLED: from };
  const child = spawn(file, args, { cwd: ROOT, env, stdio: 'inherit' });
  // Ctrl-C reaches the session too: it cleans up, and its end is ours.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)));
}

if (isMain(import.meta.url)) await main(demo);
