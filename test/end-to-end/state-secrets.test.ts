// Second tier: five visits over two servers.
/** A secret that a client has in its settings is nowhere here: not in the database, a mail, a log or a page. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, suite, test, type TestContext } from 'node:test';

import { everyNode } from '../support/programs/every-node.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { filesBelow } from '../support/clients/agent-visit.ts';
import { pluck } from '../support/pluck.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { serveFolder } from '../look/serve/support/served-fleet.ts';
import { databaseKinds } from './support/whole-fleet.ts';

const secrets = ['tr0ub4dor-unit', 'tr0ub4dor-file', 'tr0ub4dor-mount', 'tr0ub4dor-url', 'tr0ub4dor-later'];
const [inUnit = '', inFile = '', inFstab = '', inUrl = '', later = ''] = secrets;
const folders = ['/etc/systemd/system', '/etc/default'];
const skip = sshdMissing() ?? (existsSync('/etc/fstab') ? false : 'there is no /etc/fstab to replace');

const shown = [
  ...['-v alert', 'changes', '--json changes', 'report -o page.html', 'explain node memory', '--json alerts', 'digest'],
  'show shell',
];

const pages = [
  '/',
  '/c/node',
  '/c/shell',
  '/alerts',
  '/alerts/1',
  '/runs',
  '/metrics',
  '/api/v1/alerts',
  '/api/v1/status',
];

/** Returns the text of a mail with its parts decoded. */
function mailText(file: string): string {
  const raw = readFileSync(file, 'utf8').replace(/=\r?\n/g, '');
  const blocks = raw.split(/\r?\n\r?\n/).filter((block) => /^[\w+/=\s]{40,}$/.test(block));
  return [raw, ...blocks.map((block) => Buffer.from(block, 'base64').toString('utf8'))].join('\n');
}

/** Returns the pages of a server for a folder, and its log. */
async function served(t: TestContext, dir: string): Promise<readonly string[]> {
  const { ask, log, end } = await serveFolder(t, dir, { parts: '<look/><metrics/>' });
  const bodies = [];
  for (const page of pages) {
    const { status, body } = await ask(page);
    assert.equal(status, 200, page);
    if (page.startsWith('/c/')) assert.match(body, /<h2 id="changes">What changed<[^]*planted/);
    bodies.push(body);
  }
  await end();
  return [...bodies, log()];
}

/** Makes copies of folders of this machine with secrets in them. */
function planted(dir: string) {
  const at = (name: string): string => path.join(dir, name);
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  chmodSync(path.dirname(dir), 0o755);
  for (const folder of folders)
    cpSync(folder, at(folder), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  writeFileSync(at('etc/fstab'), `//nas/share /mnt cifs user=joe,password=${inFstab} 0 0\n`);
  const plant = (unit: string, file: string): void => {
    const text = `[Service]\nEnvironment=TOKEN=${unit}\nExecStart=/bin/app amqp://joe:${inUrl}@mq/\n`;
    writeFileSync(at('etc/systemd/system/planted.service'), text, { mode: 0o644 });
    writeFileSync(at('etc/default/planted'), `password=${file}\n`, { mode: 0o640 });
  };
  plant(inUnit, inFile);
  const replaced = Object.fromEntries([...folders, '/etc/fstab'].map((name) => [name, at(name)]));
  return { plant, replaced };
}

suite('secrets in the settings of clients', { skip }, async () => {
  const dir = tempFolder();
  const [kind] = databaseKinds(false);
  assert.ok(kind !== undefined);
  // The state has the files of one file system, that of /etc.
  const beside = mkdtempSync('/var/tmp/fh-test-');
  after(() => rmSync(beside, { recursive: true }));
  const { plant, replaced } = planted(path.join(beside, 'planted'));
  const servers = [await sshdOfSuite({ replaced }), await sshdOfSuite({ replaced, hidden: everyNode })];
  const key = sshKeygen(path.join(dir, 'user'), '-t', 'ed25519');

  test('are neither listed nor stored, and what changed is', async (t) => {
    const accounts = await Promise.all(servers.map((server) => server.addAccount({ publicKey: key.publicKey })));
    const clients = servers.map(({ port }, at) => {
      const name = at === 0 ? 'node' : 'shell';
      return `<client name="${name}" ip="127.0.0.1" port="${port}" username="${accounts[at]?.name ?? ''}"/>`;
    });
    const rule = '<alerts><mail to="ops@example.org"/><alert type="memory" limit="0%" for="1x"/></alerts>';
    const settings = `<ssh privateKey="${key.privateKey}"/>`;
    const site = await kind.site({ after }, `${settings}${clients.join('')}`);
    const said: string[] = [];
    const run = async (...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await site.run(...args);
      said.push(stdout, stderr);
      return stdout;
    };
    await run('trust', '--yes');
    await run('-v', 'collect');
    await run('alert');
    // Every row is bad from now on, so that mails say what changed before.
    site.configure(`${settings}${rule}${clients.join('')}`);
    // Another size, because its time and size take the place of its digest.
    plant(later, `${later} and more`);
    await run('-v', '--json', 'collect');
    for (const words of shown) await run(...words.split(' '));
    said.push(...(await served(t, site.dir)));
    const readers = await site.rows('SELECT name, reader FROM clients ORDER BY name');
    assert.deepEqual(pluck(readers, 'reader'), ['node', 'shell']);
    const changes = await site.rows("SELECT client, item FROM changes WHERE item LIKE '%planted%' ORDER BY client");
    assert.deepEqual(
      changes.map(({ client, item }) => [client, item]),
      ['node', 'shell'].map((client) => [client, '/etc/default/planted']),
    );
    const units = await site.rows("SELECT client FROM state_now WHERE item = 'planted.service' ORDER BY client");
    assert.deepEqual(pluck(units, 'client'), ['node', 'shell']);
    const files = filesBelow(site.dir);
    assert.ok(files.includes('page.html'), files.join('\n'));
    const mails = files.filter((file) => file.endsWith('.eml')).map((file) => mailText(path.join(site.dir, file)));
    // Changes that other tests make on this machine meanwhile may be named first.
    assert.match(mails.join('\n'), /Changed before it: .*(?:\/etc\/default\/planted| more )/);
    const kept = [...mails, ...files.map((file) => readFileSync(path.join(site.dir, file)))];
    for (const text of [...said, ...kept]) for (const secret of secrets) assert.ok(!text.includes(secret), secret);
  });
});
