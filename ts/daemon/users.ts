import { readFileSync } from 'node:fs';

/** Looks up a system user's number in `/etc/passwd`; undefined if there is no such user, or no such file. */
export function idOf(name: string): number | undefined {
  const line = lines().find((entry) => entry.startsWith(`${name}:`));
  const id = Number.parseInt(line?.split(':')[2] ?? '', 10);
  return Number.isNaN(id) ? undefined : id;
}

function lines(): string[] {
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    return [];
  }
}
