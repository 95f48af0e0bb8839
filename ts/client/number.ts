import { quote } from '../config/problems.js';
import { UsageError } from './usage-error.js';

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
      `${what}: ${quote(text)} is not a port: give a number from 1 to ${LARGEST_PORT}`,
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
    throw new UsageError(`${what}: ${quote(text)} is not an id: give up to 8 hex digits`);
  }
  return Number.parseInt(text, 16);
}
