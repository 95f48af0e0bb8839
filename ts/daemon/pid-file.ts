import { readFileSync, writeFileSync } from 'node:fs';
import { Failure, messageOf } from './failure.js';
import { removeFile } from './remove-file.js';

/** Longest content that a pid file of ours can have, in characters: 2²² and a line feed. */
const LONGEST_PID = 8;
/** Group-readable, world-readable, written by us alone: as any file in /run. */
const MODE = 0o644;

/** `RUNDIR/PROGRAM/PROGRAM.pid`: says which process runs, and keeps a second one from starting. */
export class PidFile {
  private constructor(private readonly path: string) {}

  /** @throws Failure when another process of that name is running or the file cannot be written */
  static create(path: string, program: string): PidFile {
    const other = runningProcess(path, program);
    if (other !== undefined) {
      throw new Failure(`${program} is running already as process ${other}: see ${path}`);
    }
    try {
      // A dead process's, perhaps of another user: whoever owns the folder may remove it, not write it.
      removeFile(path);
      // Never through a link.
      writeFileSync(path, `${process.pid}\n`, { mode: MODE, flag: 'wx' });
    } catch (error) {
      throw new Failure(`failed to write the pid file ${path}: ${messageOf(error)}`);
    }
    return new PidFile(path);
  }

  /** At the end of the process, when it does not matter any more if that cannot be. */
  remove(): void {
    try {
      removeFile(this.path);
    } catch {}
  }
}

/** The pid in the file at `path`, if that process lives and is `program`. */
function runningProcess(path: string, program: string): number | undefined {
  const pid = Number.parseInt(contentOf(path)?.slice(0, LONGEST_PID) ?? '', 10);
  if (Number.isNaN(pid) || pid === process.pid) {
    return undefined;
  }
  return contentOf(`/proc/${pid}/cmdline`)?.includes(program) ? pid : undefined;
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
