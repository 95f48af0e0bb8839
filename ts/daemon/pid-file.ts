import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, messageOf } from './failure.js';

/** Longest content that a pid file of ours can have, in characters: 2²² and a line feed. */
const LONGEST_PID = 8;
/** Group-readable, world-readable, written by us alone: as any file in /run. */
const MODE = 0o644;
const FOLDER_MODE = 0o755;

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
      makeFolder(dirname(path));
      writeFileSync(path, `${process.pid}\n`, { mode: MODE });
    } catch (error) {
      throw new Failure(`failed to write the pid file ${path}: ${messageOf(error)}`);
    }
    return new PidFile(path);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}

/** Only the last folder is ours to make; and Node's recursive mkdir never ends below /proc. */
function makeFolder(path: string): void {
  if (!existsSync(path)) {
    mkdirSync(path, { mode: FOLDER_MODE });
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
