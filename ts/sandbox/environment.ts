/** Says that a launch was; without the kernel's proof it says nothing. */
export const MARKER = 'LETMEIN_LAUNCHED';

/** All that a launched program finds of its environment: nothing that could change what Node loads or does. */
const KEPT = /^(?:PATH|LANG|TZ|NOTIFY_SOCKET|WATCHDOG_(?:USEC|PID)|LISTEN_(?:FDS|PID|FDNAMES))$/;

const FIXED = [
  // Of the pool of four that Node loads its modules with, one thread will do.
  'UV_THREADPOOL_SIZE=1',
  // Node does not start if the file that OpenSSL was built to read is there and closed; nobody here needs what it says.
  'OPENSSL_CONF=/dev/null',
  `${MARKER}=1`,
];

/** Whether an environment has what a launch leaves behind and what changes the code that runs. */
export function hasForeign(environment: NodeJS.ProcessEnv): boolean {
  return Object.keys(environment).some((name) => /^(?:NODE_|LD_)/.test(name));
}

/** The environment of a launched program, as `NAME=value`. */
export function launchEnvironment(environment: NodeJS.ProcessEnv): string[] {
  const kept = Object.entries(environment).filter(([name]) => KEPT.test(name));
  return [...kept.map(([name, value]) => `${name}=${value}`), ...FIXED];
}
