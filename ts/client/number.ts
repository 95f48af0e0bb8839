import { UsageError } from './problem.js';

const LARGEST_PORT = 65535;

/**
 * A TCP or UDP port in decimal.
 *
 * @param what How a message names it: `PORT`, `--server-port`.
 * @throws UsageError unless it is 1 to 65535.
 */
export function parsePort(text: string, what: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > LARGEST_PORT) {
    throw new UsageError(
      `${what} must be a port number from 1 to ${LARGEST_PORT}, not ${quoted(text)}`,
    );
  }
  return port;
}

/**
 * A user or resource id: up to 8 hex digits.
 *
 * @throws UsageError otherwise.
 */
export function parseId(text: string, what: string): number {
  if (!/^[0-9a-fA-F]{1,8}$/.test(text)) {
    throw new UsageError(`${what} must be up to 8 hex digits, not ${quoted(text)}`);
  }
  return Number.parseInt(text, 16);
}

/** An id as the configuration files write it: 8 hex digits, upper case. */
export function formatId(id: number): string {
  return id.toString(16).toUpperCase().padStart(8, '0');
}

/** What a person typed, cut short and without line ends or terminal escapes, in quotes. */
export function quoted(text: string): string {
  const LONGEST = 60;
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
  return `'${cut.replace(/\p{C}/gu, '?')}'`;
}
