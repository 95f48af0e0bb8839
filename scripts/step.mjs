// @ts-check
/**
 * One step of a script: a program run without a shell, with a line that says what it is for, a sign of life while it
 * takes long, and on failure the command and the end of what it said.
 */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** How much of a failed program's output is shown: the error is mostly at the end, npm's at the start. */
const HEAD_LINES = 20;
const TAIL_LINES = 40;
/** A step that says nothing for longer looks dead. */
const SIGN_OF_LIFE_MS = 10_000;

const COLOURS = { bold: 1, red: 31, green: 32, yellow: 33, cyan: 36, grey: 90 };
const COLOURED = process.stdout.isTTY === true && !process.env.NO_COLOR;

/**
 * Text in a colour, on a terminal that wants colours (https://no-color.org).
 * @param {keyof typeof COLOURS} colour
 * @param {string} text
 */
export function paint(colour, text) {
  return COLOURED ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** A step that did not succeed; its message is for people and complete. */
export class StepFailed extends Error {}

/**
 * The environment of every program: rustup's folder and the administrator's programs are often not on PATH.
 * @returns {NodeJS.ProcessEnv}
 */
export function environment() {
  const cargo = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const folders = [process.env.PATH, join(cargo, 'bin'), '/usr/sbin', '/sbin'];
  return { ...process.env, PATH: folders.filter(Boolean).join(delimiter) };
}

/**
 * @typedef {object} Output
 * @property {number | null} status exit status; null when it never started or a signal ended it
 * @property {string} text stdout and stderr as they came
 */

/**
 * Runs a program to its end and collects what it says. Never throws.
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env?: Record<string, string>, heard?: (text: string) => void }} [options]
 * @returns {Promise<Output>}
 */
export function collect([file = '', ...args], options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...environment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
        text += part;
        options.heard?.(part);
      });
    }
    child.once('error', (error) => resolve({ status: null, text: `${error.message}\n` }));
    child.once('close', (status) => resolve({ status, text }));
  });
}

/**
 * Whether a program runs and succeeds.
 * @param {readonly string[]} command
 */
export async function succeeds(command) {
  return (await collect(command)).status === 0;
}

/** @param {string} text */
function lastLine(text) {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** @param {string} text */
function excerpt(text) {
  const lines = text.trimEnd().split('\n');
  if (lines.length <= HEAD_LINES + TAIL_LINES) return lines.join('\n');
  return [...lines.slice(0, HEAD_LINES), '…', ...lines.slice(-TAIL_LINES)].join('\n');
}

/**
 * Runs a program as a step.
 * @param {string} purpose what it does, in a few words
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {Promise<string>} what it said
 * @throws {StepFailed}
 */
export async function step(purpose, command, options = {}) {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  say(`${paint('cyan', '›')} ${purpose}`);
  let heard = '';
  const life = setInterval(() => {
    say(paint('grey', `  … ${seconds()}: ${lastLine(heard).slice(0, 100)}`));
  }, SIGN_OF_LIFE_MS);
  const output = await collect(command, {
    ...options,
    heard: (text) => {
      heard = (heard + text).slice(-2000);
    },
  });
  clearInterval(life);
  if (output.status === 0) {
    say(paint('grey', `  done in ${seconds()}`));
    return output.text;
  }
  throw new StepFailed(
    `failed: ${purpose} (${seconds()})\n  command: ${command.join(' ')}\n${excerpt(output.text)}`,
  );
}

/**
 * Runs a script's main function; a failed step ends the process with status 1 and its message.
 * @param {() => Promise<number | void>} run
 */
export async function main(run) {
  try {
    process.exitCode = (await run()) ?? 0;
  } catch (error) {
    const message =
      error instanceof StepFailed
        ? error.message
        : error instanceof Error
          ? `${error.stack}`
          : `${error}`;
    process.stderr.write(`${paint('red', message.trimEnd())}\n`);
    process.exitCode = 1;
  }
}

/**
 * Whether this module is the script that was started.
 * @param {string} url its import.meta.url
 */
export function isMain(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1];
}
