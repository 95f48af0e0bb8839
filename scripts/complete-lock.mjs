// @ts-check
/**
 * Completes package-lock.json after a change of dependencies: `npm install` leaves out optional packages for other
 * platforms when the registry in use does not offer them, and then `npm ci` refuses the lock everywhere. Their system,
 * processor and C library are told by their names, as their publishers choose them.
 *
 *     npm install && node scripts/complete-lock.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, say } from './step.mjs';

const LOCK = join(ROOT, 'package-lock.json');
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];
/** Words by which names tell a C library. */
const LIBRARIES = new Map([
  ['gnu', 'glibc'],
  ['gnueabihf', 'glibc'],
  ['musl', 'musl'],
]);

/**
 * The lock's entry for a package that was left out.
 * @param {string} name such as `@napi-rs/tar-linux-x64-musl`
 * @param {string} version
 */
function entry(name, version) {
  const words = name.split('/').at(-1)?.split('-') ?? [];
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  const libc = words.map((word) => LIBRARIES.get(word)).find((library) => library !== undefined);
  if (cpu === undefined) throw new Error(`the name ${name} does not tell its processor`);
  return {
    version,
    cpu: [cpu],
    dev: true,
    ...(libc === undefined || os !== 'linux' ? {} : { libc: [libc] }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
/** @typedef {{ version: string, optionalDependencies?: Record<string, string> }} Package */
/** @type {Record<string, Package>} */
const packages = lock.packages;
let added = 0;
for (const { optionalDependencies = {} } of Object.values(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`;
    if (!(path in packages)) {
      packages[path] = entry(name, version);
      added += 1;
    }
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
say(`package-lock.json: ${added} packages added`);
