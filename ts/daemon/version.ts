import { readFileSync } from 'node:fs';

/** The version of this package, from its package.json two folders above `dist/daemon`. */
export const VERSION: string = read();

function read(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const version: unknown =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest && manifest.version;
  return String(version);
}
