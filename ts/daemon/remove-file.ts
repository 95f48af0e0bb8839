import { unlinkSync } from 'node:fs';

/**
 * Removes a file that may not be there. By one system call: a locked program has no others for it (Node's `rmSync` looks
 * at the file first, or walks folders, depending on its version).
 */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw error;
    }
  }
}
