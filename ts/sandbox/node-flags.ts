/** The first line of Node whose V8 says nothing of WebAssembly when there is no compiler, and does not know the option. */
const QUIET_WITHOUT_WASM = 24;

/**
 * Node's options in a launched process: nothing is compiled at run time, so that no memory need ever be executable; as few
 * threads as Node can do with; and no debugger, which SIGUSR1 starts otherwise.
 */
export function nodeFlags(): string[] {
  const major = Number.parseInt(process.versions.node, 10);
  return [
    '--jitless',
    '--single-threaded',
    '--v8-pool-size=0',
    ...(major < QUIET_WITHOUT_WASM ? ['--no-expose-wasm'] : []),
    ...(process.allowedNodeEnvironmentFlags.has(NO_DEBUGGER) ? [NO_DEBUGGER] : []),
  ];
}

/** Node 22 and later; see also ts/daemon/signals.ts. */
const NO_DEBUGGER = '--disable-sigusr1';
