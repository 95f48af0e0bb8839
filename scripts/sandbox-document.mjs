// @ts-check
/** The tables of docs/sandbox.md, which come from crates/sandbox: written anew when they are not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, main, ROOT, StepFailed, say, step } from './step.mjs';

const DOCUMENT = join(ROOT, 'docs', 'sandbox.md');
const GENERATOR = [
  ...['cargo', 'run', '--quiet', '--package', 'letmein-sandbox', '--example', 'document'],
];
/** From one mark to the other, in the document and in what the generator says (cargo may say things besides). */
const GENERATED = /<!-- generated: .*<!-- end of what is generated -->\n/s;

/**
 * Puts the tables into the document.
 * @returns {Promise<boolean>} whether it was not what crates/sandbox generates; it is now
 * @throws {StepFailed}
 */
export async function updateSandboxDocument() {
  const said = await step('docs/sandbox.md: the tables of crates/sandbox', GENERATOR);
  const tables = GENERATED.exec(said)?.[0];
  const before = readFileSync(DOCUMENT, 'utf8');
  if (tables === undefined || !GENERATED.test(before)) {
    throw new StepFailed('the tables for docs/sandbox.md, or their marks there, were not found');
  }
  const after = before.replace(GENERATED, () => tables);
  if (after === before) return false;
  writeFileSync(DOCUMENT, after);
  say('  docs/sandbox.md has changed: commit it');
  return true;
}

if (isMain(import.meta.url)) await main(async () => void (await updateSandboxDocument()));
