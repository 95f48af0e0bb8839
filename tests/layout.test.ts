/** The shape of the repository: which way imports point, who may load native code, what no committed file may hold. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository: this file is build/tests/layout.test.js when it runs. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Folder of ts/ → folders it may import from, besides its own (design.md, section 4). */
const MAY_IMPORT: Record<string, readonly string[]> = {
  bin: ['client', 'daemon', 'door', 'judge'],
  door: ['daemon', 'ipc', 'native', 'sandbox'],
  judge: ['daemon', 'ipc', 'native', 'sandbox', 'config'],
  client: ['config', 'wire', 'sandbox'],
  config: [],
  // What door and judge both do at start and end: pid files, readiness, sockets from systemd, the exit status.
  daemon: ['ipc', 'native', 'sandbox'],
  ipc: [],
  native: [],
  // Launch and lock: what all three programs do.
  sandbox: ['native'],
  wire: [],
};
/** Crate → crates of this workspace it may depend on. */
const MAY_DEPEND: Record<string, readonly string[]> = {
  addon: ['firewall', 'sandbox', 'wire'],
  firewall: [],
  sandbox: [],
  wire: [],
};

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

/** Paths of somebody's own machine: home folders and checkouts. Each is one line of the file. */
const MACHINE_PATH = /(?<![\w.~*])\/(?:root|work|Users|home\/\w+)\/[\w.]/;
/** Hosts that packages come from: which one is used is the affair of the machine that installs. */
const REGISTRY_HOST =
  /\b(?:registry\.[a-z]|(?:index|static)\.crates\.io\b|[\w.-]*(?:artifactory|nexus)[\w-]*\.[a-z]+\/)/i;

interface Import {
  file: string;
  from: string;
  to: string;
}

function files(folder: string, extension: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension) && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));
}

/** The module names that a source file imports. */
function imported(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? '');
}

/** The first folder of a path below ts/. */
function part(path: string): string {
  return relative(join(ROOT, 'ts'), path).split(sep)[0] ?? '';
}

function relativeImports(): Import[] {
  return files('ts', '.ts').flatMap((file) => {
    const path = join(ROOT, file);
    return imported(readFileSync(path, 'utf8'))
      .filter((name) => name.startsWith('.'))
      .map((name) => ({ file, from: part(path), to: part(resolve(dirname(path), name)) }));
  });
}

function mayImport({ from, to }: Import): boolean {
  return from === to || MAY_IMPORT[from]?.includes(to) === true;
}

/** Files that are or will be committed; without git (a source archive) there is nothing to ask. */
function committedFiles(): string[] {
  if (!existsSync(join(ROOT, '.git'))) return [];
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', list, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(ROOT, file)));
}

function offences(pattern: RegExp, skip: (file: string) => boolean = () => false): string[] {
  return committedFiles()
    .filter((file) => !skip(file))
    .flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, n) => (pattern.test(line) ? [`${file}:${n + 1}: ${line.trim()}`] : [])),
    );
}

test('imports in ts/ point one way', () => {
  const imports = relativeImports();
  assert.ok(imports.length > 0, 'no import was found: the test looks in the wrong place');
  const wrong = imports.filter((found) => !mayImport(found));
  assert.deepEqual(
    wrong.map(({ file, to }) => `${file} imports from ${to}/`),
    [],
  );
});

test('the rule for imports can fail', () => {
  assert.ok(!mayImport({ file: '', from: 'door', to: 'judge' }));
  assert.ok(!mayImport({ file: '', from: 'wire', to: 'client' }));
  assert.ok(!mayImport({ file: '', from: 'ipc', to: 'native' }));
  assert.ok(mayImport({ file: '', from: 'judge', to: 'config' }));
  assert.deepEqual(
    imported("import { a } from './a.js';\nawait import('./b.js');\nimport './c.js'"),
    ['./a.js', './b.js', './c.js'],
  );
});

test('every folder of ts/ has its rule', () => {
  const folders = readdirSync(join(ROOT, 'ts'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  assert.deepEqual(
    folders.filter((name) => MAY_IMPORT[name] === undefined),
    [],
  );
});

test('only ts/native loads native code', () => {
  const loads = /\.node['"`]|\bprocess\.dlopen\b|\bcreateRequire\b/;
  const wrong = files('ts', '.ts')
    .filter((file) => part(join(ROOT, file)) !== 'native')
    .filter((file) => loads.test(readFileSync(join(ROOT, file), 'utf8')));
  assert.deepEqual(wrong, []);
});

/** Folders of the two daemons' code: after their lock no thread can be started, and no module loaded. */
const DAEMON_FOLDERS = ['daemon', 'door', 'ipc', 'judge', 'native', 'sandbox', 'config'];
/** Modules whose asynchronous half works on threads of Node's pool. */
const POOL_MODULES =
  /from 'node:(?:fs\/promises|dns(?:\/promises)?|zlib|crypto|child_process|worker_threads|cluster)'/;
/** What may be had of node:fs: what ends in Sync, types, constants. */
const FS_IMPORT = /import (?:type )?\{([^}]*)\} from 'node:fs'/g;

/** Why a daemon's source could start a thread after the lock; undefined if it cannot. */
function startsThreads(text: string): string | undefined {
  const names = [...text.matchAll(FS_IMPORT)].flatMap((match) => (match[1] ?? '').split(','));
  const asynchronous = names
    .map((name) => name.trim())
    .filter((name) => /^[a-z]/.test(name) && !/^type |Sync$|^constants$/.test(name));
  if (asynchronous.length > 0) return `${asynchronous.join()} of node:fs`;
  return POOL_MODULES.exec(text)?.[0] ?? /\bimport\('/.exec(text)?.[0];
}

test('door and judge start no thread after their lock', () => {
  const sources = DAEMON_FOLDERS.flatMap((folder) => files(join('ts', folder), '.ts'));
  const wrong = sources
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => [file, startsThreads(readFileSync(join(ROOT, file), 'utf8'))])
    .filter(([, why]) => why !== undefined);
  assert.deepEqual(wrong, []);
  assert.ok(startsThreads("import { readFile, readSync } from 'node:fs';"));
  assert.ok(startsThreads("import { lookup } from 'node:dns';"));
  assert.ok(startsThreads("await import('./late.js')"));
});

test('crates depend one way', () => {
  for (const [crate, allowed] of Object.entries(MAY_DEPEND)) {
    const manifest = readFileSync(join(ROOT, 'crates', crate, 'Cargo.toml'), 'utf8');
    const depends = [...manifest.matchAll(/path\s*=\s*"\.\.\/([\w-]+)"/g)].map((match) => match[1]);
    assert.deepEqual(
      depends.filter((name) => name !== undefined && !allowed.includes(name)),
      [],
      `crates/${crate}`,
    );
  }
});

test('no committed file holds a path of somebody’s machine', () => {
  assert.ok(
    MACHINE_PATH.test(['see ', 'home', 'me', 'src'].join('/')),
    'the pattern matches nothing',
  );
  assert.deepEqual(offences(MACHINE_PATH), []);
});

test('no committed file names a package registry’s host', () => {
  assert.ok(
    REGISTRY_HOST.test(['registry', 'npmjs', 'org'].join('.')),
    'the pattern matches nothing',
  );
  assert.deepEqual(offences(REGISTRY_HOST), []);
});
