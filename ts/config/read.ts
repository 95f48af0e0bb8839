import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';

/** No configuration is longer, bytes: 10,000 users and 1,000 resources take less. */
const MAX_SIZE = 1024 * 1024;

/** A file's content, or why there is none; `missing` is apart, since a client may do without. */
export type Read =
  | { kind: 'ok'; bytes: Uint8Array; stats: Stats }
  | { kind: 'missing' }
  | { kind: 'failed'; what: string };

/** Reads a whole regular file, at once and at most 1 MiB of it. Never throws, never waits (a FIFO is refused). */
export function readWhole(path: string): Read {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a FIFO waits for its writer. Windows has neither flag.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
    descriptor = openSync(path, flags);
    return readOpen(descriptor);
  } catch (error) {
    return failure(error);
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

function readOpen(descriptor: number): Read {
  const stats = fstatSync(descriptor);
  if (stats.isDirectory()) {
    return { kind: 'failed', what: 'is a directory: name the file in it with -c' };
  }
  if (!stats.isFile()) {
    return { kind: 'failed', what: 'is not a regular file: name another with -c' };
  }
  const bytes = Buffer.alloc(MAX_SIZE + 1);
  let length = 0;
  for (;;) {
    const got = readSync(descriptor, bytes, length, bytes.length - length, null);
    length += got;
    if (length > MAX_SIZE) {
      return { kind: 'failed', what: 'is larger than 1 MiB: this is no configuration file' };
    }
    if (got === 0) {
      return { kind: 'ok', bytes: bytes.subarray(0, length), stats };
    }
  }
}

function failure(error: unknown): Read {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'missing' };
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'failed',
        what: `may not be read (${code}): run as a user who may, or see to its owner, group and mode`,
      };
    default:
      return { kind: 'failed', what: `cannot be read: ${code}` };
  }
}

/** The errno's name; a path with a NUL byte, for one, gives Node's own code. */
function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return 'unknown error';
}
