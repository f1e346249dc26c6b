// Second tier: a server for each answer.
/** `check` at hq: the push endpoint that sites need, on a server of the built program with or without the endpoint. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { serveFolder } from '../../look/serve/support/served-fleet.ts';
import { makeCertificates } from '../../support/servers/certificates.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const group = '<group transport="forward" labels="site=fra"><client name="web-1"/></group>';

/** Makes a certificate. Returns the attributes of a `<serve>` with TLS. */
function withTls(t: TestContext): string {
  const { good } = makeCertificates(tempFolder(t));
  return `tlsCert="${good.certFile}" tlsKey="${good.keyFile}"`;
}

interface Case {
  /** Attributes and children of the running `<serve>`, and those in config.xml when `check` runs. */
  readonly runs: readonly [attributes: string, parts: string];
  readonly has: readonly [attributes: string, parts: string];
  readonly says: RegExp | null;
}

const cases: Readonly<Record<string, (t: TestContext) => Case>> = {
  'runs without it': () => ({ runs: ['', ''], has: ['', '<push/>'], says: /answers 404: start/ }),
  'runs without it, behind pages that ask for a token': () => ({
    runs: ['auth="always"', '<look/>'],
    has: ['auth="always"', '<look/><push/>'],
    says: /answers 40[13]: start/,
  }),
  'speaks no TLS yet': (t) => ({
    runs: ['', '<push/>'],
    has: [withTls(t), '<push/>'],
    says: /push endpoint at https:\/\/127\.0\.0\.1:\d+\/v1\/visit does not answer \(/,
  }),
  'has a certificate for another name': (t) => {
    const served = [`host="0.0.0.0" ${withTls(t)}`, '<push/>'] as const;
    return { runs: served, has: served, says: null };
  },
  'has no IPv6': () => ({ runs: [`host="127.0.0.1"`, '<push/>'], has: ['', '<push/>'], says: null }),
};

/** The cases of the second tier: a server and a program each. */
const rare = new Set(['runs without it, behind pages that ask for a token', 'has no IPv6']);

for (const [what, make] of Object.entries(cases)) {
  const skip = rare.has(what) && skipUnlessWide;
  test(`check of an endpoint that ${what}`, { timeout: 60_000, skip }, async (t) => {
    const { runs, has, says } = make(t);
    const dir = configFolder(t, `<config><alerts mail="ops@example.org" zone="UTC"/>${group}</config>`);
    const { port, log } = await serveFolder(t, dir, { attributes: runs[0], parts: runs[1] });
    const file = path.join(dir, 'config.xml');
    const now = `<serve port="${port}" ${has[0]}>${has[1]}</serve></config>`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/<serve .*<\/serve><\/config>/, now));
    const { status, stdout, stderr } = await runCli(['check'], { cwd: dir });
    assert.deepEqual([status, stderr], [0, ''], stdout);
    if (says === null) assert.doesNotMatch(stdout, /push endpoint/);
    else assert.match(stdout, says);
    assert.doesNotMatch(log(), /push-refused/);
  });
}

test(
  'check names the socket that refuses, and finds the endpoint of one that does not',
  { timeout: 60_000 },
  async (t) => {
    const dir = configFolder(t, `<config><alerts mail="ops@example.org" zone="UTC"/>${group}</config>`);
    const socket = path.join(dir, 'serve.sock');
    const { child } = await serveFolder(t, dir, { attributes: `socket="${socket}" ${withTls(t)}`, parts: '<push/>' });
    const file = path.join(dir, 'config.xml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/<serve port="\d+"/, '<serve'));
    assert.ok(existsSync(socket));
    assert.doesNotMatch((await runCli(['check'], { cwd: dir })).stdout, /push endpoint/);
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.ok(existsSync(socket), 'a killed server leaves its socket');
    const { stdout } = await runCli(['check'], { cwd: dir });
    assert.match(stdout, /push endpoint at \/[^\n]*serve\.sock does not answer \([^\n]*ECONNREFUSED/);
  },
);
