// Second tier: trees of every kind in an inbox.
/** Whatever lies below a folder that a site writes to costs this site alone, and leads nowhere else. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import { documentName } from '../../../src/collector/inbox/document-files.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import { HeldFolder, inFolder } from '../../../src/state-folder/held-folder.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { noOtherAccount } from '../../support/programs/accounts.ts';
import { makeClient, makeFleet, type Fleet } from '../../support/fleets/fleet.ts';
import { isLong, isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const nowMs = Date.now();
const ofSite = (name: string, site: string) => makeClient(name, { arrival: { kind: 'site', site }, labels: { site } });
const others = [makeClient('good-1'), ofSite('site-1', 'fra'), ofSite('site-2', 'ber')];
const id = idFrom('one');

/** Makes the file of a socket on which nobody listens any more. A name below the state folder may be too long. */
function bindSocket(file: string): void {
  const bound = path.join(tempFolder(), 's');
  const server = createServer().listen(bound);
  fs.renameSync(bound, file);
  server.close();
}

/** Makes an entry. `outside` is a folder that nobody may touch. */
const kinds: Readonly<Record<string, (file: string, outside: string) => void>> = {
  'a link to a folder': (file, outside) => fs.symlinkSync(outside, file),
  'a link to a file': (file, outside) => fs.symlinkSync(path.join(outside, 'kept.json'), file),
  'a link to the state folder': (file) => fs.symlinkSync('../../..', file),
  'a link to itself': (file) => fs.symlinkSync(path.basename(file), file),
  'a link to nothing': (file) => fs.symlinkSync('/nowhere/at/all', file),
  'a hard link': (file, outside) => fs.linkSync(path.join(outside, 'kept.json'), file),
  'a folder nobody may enter': (file) => fs.mkdirSync(file, { mode: 0 }),
  'a folder nobody may write to': (file) => {
    fs.mkdirSync(file);
    fs.writeFileSync(path.join(file, documentName(1, id)), '{');
    fs.writeFileSync(path.join(file, `${id}.fhs`), 'x');
    fs.chmodSync(file, 0o500);
  },
  'a file nobody may read': (file) => fs.writeFileSync(file, 'x', { mode: 0 }),
  'a deep folder': (file) => fs.mkdirSync(path.join(file, 'a/b/c/d'), { recursive: true }),
  'a pipe': (file) => void execFileSync('mkfifo', [file]),
  'a socket': (file) => bindSocket(file),
  'a device': (file) => void execFileSync('mknod', [file, 'c', '1', '3']),
  'a plain file': (file) => fs.writeFileSync(file, '{"run":7}'),
};
const document = documentName(2, id);
const places = [
  ...['collector', 'site-1', 'set-aside', 'x', '.x', 'a b', 'é'],
  ...[document, document.replace('.json', '.again.json'), 'x.json', `.${document}.part`].map(
    (one) => `collector/${one}`,
  ),
  ...[`${id}.fhs`, `${id}.1.-.-.-.fhs`, `.${id}.fhs.part`, `${'a'.repeat(251)}.fhs`].map((one) => `site-1/${one}`),
  ...['collector/set-aside', 'site-1/quarantine', 'site-1/\u001b[31m\n.fhs', 'site-1/notes'],
  // The folder itself.
  '.',
];

/** The places below encrypted_stats/, in the folder of one client. */
const ownPlaces = [
  'bad-1',
  ...[`${id}.fhs`, `${id}.1.-.-.-.fhs`, `.${id}.fhs.part`, 'quarantine', `quarantine/${id}.fhs`, 'x'].map(
    (one) => `bad-1/${one}`,
  ),
  ...['dropped.jsonl', 'dropped.1.jsonl'].map((one) => `bad-1/quarantine/${one}`),
];
/** A link, pipe, socket or device in the place of the folder is refused by each program before it begins. */
const refusedKinds = /^a (?:link|pipe|socket|device)/;

/** Returns what is below a folder, with contents and modes. */
function picture(dir: string): readonly string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => {
    const facts = fs.lstatSync(path.join(dir, name));
    const content = facts.isFile() ? fs.readFileSync(path.join(dir, name), 'utf8') : '';
    return `${name} ${facts.mode} ${facts.mtimeMs} ${content}`;
  });
}

/** Gives what is below a folder to the account of `asNobody`. Nothing may move there meanwhile. */
function giveAway(...dirs: readonly string[]): void {
  execFileSync('chown', ['-hR', '65534:65534', ...dirs]);
}

/** Runs work as an account for which modes count. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Makes a missing folder. Returns false if anything else is in its place. */
function isFolder(dir: string): boolean {
  const facts = fs.lstatSync(dir, { throwIfNoEntry: false });
  if (facts === undefined) fs.mkdirSync(dir, { mode: 0o700 });
  return facts?.isDirectory() ?? true;
}

/** Writes the document of a run of a site with a visit of one client. */
function putRun(inbox: string, site: string, client: string): void {
  const start = runStart({ id: idFrom(site), startedAtMs: nowMs });
  const visits = [visit({ runId: start.id, client, startedAtMs: nowMs })];
  const folder = path.join(inbox, `site-${site}`, 'collector');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(
    path.join(folder, documentName(nowMs, start.id)),
    JSON.stringify({ run: { start, end: runEnd(start) }, visits }),
  );
}

type Tree = readonly (readonly [place: string, kind: string])[];

function treesOf(places: readonly string[]): fc.Arbitrary<Tree> {
  const entry = fc.tuple(fc.constantFrom(...places), fc.constantFrom(...Object.keys(kinds)));
  return fc.array(entry, { minLength: 1, maxLength: 8 });
}

/** Makes the entries of a tree below a folder, except those whose folder is something else by then. */
function plant(tree: Tree, root: string, outside: string): void {
  for (const [place, kind] of tree) {
    const file = path.join(root, place);
    if (place !== '.' && ![root, path.dirname(path.dirname(file)), path.dirname(file)].every(isFolder)) continue;
    if (fs.lstatSync(file, { throwIfNoEntry: false }) === undefined) kinds[kind]?.(file, outside);
  }
}

/** Is called with the folder of the site before the runs. Returns what is called after them. */
type Begin = (site: string) => (fleet: Fleet) => Promise<void>;

/** Returns the number of lines that three runs have printed about the tree. */
async function checkTree(tree: Tree, isOwn = false, begin?: Begin): Promise<number> {
  let named = 0;
  const fleet = makeFleet();
  const clients = isOwn ? [...others, makeClient('bad-1')] : others;
  const paths = statePaths(fleet.stateDir);
  const outside = tempFolder();
  fs.writeFileSync(path.join(outside, 'kept.json'), '{"visits":[]}');
  fs.mkdirSync(path.join(outside, 'collector'));
  await fleet.collect(others);
  fs.writeFileSync(path.join(fleet.stateDir, 'push-keys.json'), '{"clients":[]}', { mode: 0o600 });
  putRun(paths.inbox, 'ber', 'site-2');
  plant(tree, isOwn ? paths.encryptedStats : path.join(paths.inbox, 'site-fra'), outside);
  // The account could change everything there.
  giveAway(outside, fleet.stateDir);
  fs.chmodSync(path.dirname(fleet.stateDir), 0o755);
  const before = picture(outside);
  const end = begin?.(path.join(paths.inbox, 'site-fra'));
  for (const times of [1, 2, 3]) {
    fleet.events.length = 0;
    const { exitStatus, outcome, faults } = await asNobody(() => fleet.collect(clients));
    assert.deepEqual(
      [outcome, exitStatus === 3],
      ['finished', false],
      `run ${times} ${JSON.stringify(faults.map((f) => [f.code, f.message]))}`,
    );
    assert.equal(await fleet.count("visits WHERE client = 'site-2'"), 1);
    assert.equal(await fleet.count("stats WHERE client = 'good-1'"), times + 1);
    const lines = fleet.events.filter((one) => one.kind === 'fault' && one.fault.code === 'inbox-strange');
    named += lines.length;
    assert.equal(fs.readFileSync(path.join(fleet.stateDir, 'push-keys.json'), 'utf8'), '{"clients":[]}');
    assert.deepEqual(picture(outside), before);
  }
  await end?.(fleet);
  fleet.remove();
  return named;
}

test('any tree below the folder of a site', { skip: noOtherAccount, timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(treesOf(places), async (tree) => assert.ok((await checkTree(tree)) <= 3)),
    { numRuns: isLong ? 40 : isWide ? 12 : 2 },
  );
});

test('any tree below the folder of a client', { skip: noOtherAccount, timeout: 600_000 }, async () => {
  const isPlanted = ([place, kind]: Tree[number]): boolean => place !== 'bad-1' || !refusedKinds.test(kind);
  await fc.assert(
    fc.asyncProperty(treesOf(ownPlaces), async (tree) =>
      assert.ok((await checkTree(tree.filter(isPlanted), true)) <= 6),
    ),
    { numRuns: isLong ? 25 : isWide ? 8 : 1 },
  );
});

test(
  'a folder of a client that cannot be used fails the visits of this client alone',
  { skip: noOtherAccount },
  async () => {
    if (isWide) await checkTree([['bad-1', 'a plain file']], true);
    assert.equal(await checkTree([['bad-1', 'a folder nobody may enter']], true), 3);
  },
);

test(
  'a folder of a site that nobody may enter, or that is a link, is named in each run',
  { skip: noOtherAccount },
  async () => {
    const named: readonly Tree[] = [
      [['collector', 'a link to itself']],
      [['site-1', 'a folder nobody may enter']],
      [['.', 'a link to a folder']],
      [
        ['collector', 'a link to itself'],
        [`site-1/${id}.fhs`, 'a folder nobody may write to'],
      ],
      [[`x/${id}.fhs`, 'a folder nobody may write to']],
      [
        ['collector/set-aside', 'a link to the state folder'],
        ['x', 'a pipe'],
      ],
      [['.', 'a socket']],
      [
        ['collector', 'a socket'],
        [`site-1/${id}.fhs`, 'a socket'],
        [`collector/${document}`, 'a socket'],
      ],
    ];
    for (const tree of isWide ? named : named.slice(0, 3)) {
      assert.equal(await checkTree(tree), 3, JSON.stringify(tree));
    }
  },
);

/** Gives the folder of a site what a site brings, and some that it does not. */
function bring(site: string): void {
  putRun(path.dirname(site), 'fra', 'site-1');
  for (const place of ['site-1', 'site-3/quarantine']) fs.mkdirSync(path.join(site, place), { recursive: true });
  for (const place of [`site-1/${id}.fhs`, `site-3/.${id}.fhs.part`, `collector/${document}`, 'collector/x.json']) {
    fs.writeFileSync(path.join(site, place), 'x');
  }
  fs.utimesSync(path.join(site, `site-3/.${id}.fhs.part`), 1, 1);
}

const withFolder = (file: string, away: string): void => fs.renameSync(path.dirname(file), away);
/** Fates of an entry that was listed, and not yet opened. */
const fates: Readonly<Record<string, (file: string, away: string) => void>> = {
  vanishes: (file, away) => fs.renameSync(file, away),
  'vanishes with its folder': withFolder,
  ...Object.fromEntries(
    ['a link to the state folder', 'a deep folder', 'a pipe', 'a plain file', 'a folder nobody may enter'].map(
      (kind) => [
        `is exchanged for ${kind}`,
        (file: string, away: string) => {
          fs.renameSync(file, away);
          kinds[kind]?.(file, '');
        },
      ],
    ),
  ),
};

/**
 * Strikes every n-th entry of a site that is listed, at once, and brings all back before the next look. Returns the
 * number of entries, and what brings back the last ones.
 */
function strikeAfterLooks(t: TestContext, site: string, strike: (file: string, away: string) => void, nth: number) {
  const taken: (readonly [file: string, away: string])[] = [];
  let [seen, struck] = [0, 0];
  const away = path.join(path.dirname(site), 'away');
  fs.mkdirSync(away);
  giveAway(site, away);
  const bringBack = (): void => {
    for (const [file, kept] of taken.splice(0).reverse()) {
      if (!fs.existsSync(kept)) continue;
      if (fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true) fs.chmodSync(file, 0o700);
      fs.rmSync(file, { recursive: true, force: true });
      fs.renameSync(kept, file);
    }
  };
  t.mock.method(HeldFolder.prototype, 'eachEntry', function* (this: HeldFolder) {
    bringBack();
    const entries = fs.readdirSync(path.dirname(this.at('x')), { withFileTypes: true });
    const isOfSite = this.dir === site || this.dir.startsWith(`${site}/`);
    for (const { name } of isOfSite ? entries : []) {
      const file = path.join(this.dir, name);
      if ((seen += 1) % nth !== 0 || fs.lstatSync(file, { throwIfNoEntry: false }) === undefined) continue;
      const kept = path.join(away, String((struck += 1)));
      strike(file, kept);
      taken.push([strike === withFolder ? path.dirname(file) : file, kept]);
    }
    for (const entry of entries) yield { entry, name: entry.name, raw: Buffer.from(entry.name) };
  });
  return { struck: () => struck, bringBack };
}

for (const [fate, strike] of Object.entries(fates).slice(0, isWide ? undefined : 1)) {
  test(`what ${fate} between a look and the next step costs its site alone`, { skip: noOtherAccount }, async (t) => {
    for (const nth of isWide ? [2, 3] : [2]) {
      const named = await checkTree([], false, (site) => {
        bring(site);
        const { struck, bringBack } = strikeAfterLooks(t, site, strike, nth);
        return async (fleet) => {
          assert.ok(struck() > 3);
          t.mock.restoreAll();
          bringBack();
          // Nothing is lost that has only moved for a while.
          if (fate.startsWith('vanishes')) await asNobody(() => fleet.collect(others));
          if (fate.startsWith('vanishes')) assert.equal(await fleet.count("visits WHERE client = 'site-1'"), 1);
        };
      });
      assert.ok(named <= 3, `${named} lines`);
    }
  });
}

/** Moves the first files and folders of a folder away and back until it is killed. */
const restless = `const fs = require('node:fs');
for (;;) for (const place of ['site-1', 'collector', 'site-1/${id}.fhs', 'collector/${document}', '.']) {
  const file = process.argv[1] + '/' + place;
  try { fs.renameSync(file, process.argv[2]); } catch { continue; }
  fs.renameSync(process.argv[2], file);
}`.replaceAll("'/' + place", "(place === '.' ? '' : '/' + place)");

test(
  'what moves away and back all the time costs its site alone',
  { skip: skipUnlessWide || noOtherAccount },
  async (t) => {
    const named = await checkTree([], false, (site) => {
      bring(site);
      giveAway(site);
      const mover = spawn(process.execPath, ['-e', restless, site, `${site}.away`.replace('site-', '')]);
      t.after(() => mover.kill('SIGKILL'));
      return async (fleet) => {
        assert.equal(mover.exitCode, null);
        mover.kill('SIGKILL');
        await once(mover, 'exit');
        assert.equal(await fleet.count("visits WHERE client = 'site-2'"), 1);
      };
    });
    assert.ok(named <= 3, `${named} lines`);
  },
);

test('what is exchanged for a link after it was opened leads nowhere else', () => {
  const dir = tempFolder();
  const outside = path.join(dir, 'outside');
  const shared = path.join(dir, 'shared');
  for (const one of [outside, shared]) {
    fs.mkdirSync(one);
    fs.writeFileSync(path.join(one, 'a.json'), path.basename(one));
  }
  const before = picture(outside);
  inFolder(shared, (folder) => {
    fs.renameSync(shared, path.join(dir, 'moved'));
    fs.symlinkSync(outside, shared);
    assert.equal(folder.read('a.json', 100).toString(), 'shared');
    folder.write('b.json', 'b');
    folder.append('c', 'c');
    folder.move('a.json', folder.at('d.json'));
    folder.remove('d.json');
    assert.throws(() => folder.at('../outside/a.json'));
  });
  assert.deepEqual(picture(outside), before);
  assert.deepEqual(fs.readdirSync(path.join(dir, 'moved')), ['b.json', 'c']);
  assert.throws(() => inFolder(shared, () => undefined), { code: 'ENOTDIR' });
});
