/** The last lines of checks, containers and failed units in mails. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { onEachDatabase } from '../storage/support/databases.ts';
import { stationFor } from './support/station.ts';

const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
const evil = '\u001b[31m<b>\u202e\r\nBcc: x';

onEachDatabase('excerpts in mails', (kit) => {
  /** Returns the texts of the mails about two rows of the client, each followed by a pass, without line breaks. */
  const mailsAbout = async (t: TestContext, attributes: string, ...says: readonly string[]): Promise<string> => {
    const elements = `<alerts zone="UTC" groupInterval="1s" ${attributes}><mail to="ops@example.org"/></alerts>${client}`;
    const made = await stationFor(t, { storage: await kit.migrated(), elements });
    for (const said of says) {
      await made.collect({ 'web-1': said });
      await made.pass();
      made.at(made.nowMs() + 5 * 60_000);
    }
    const parts = made.server.mails.flatMap(({ content }) => content.split(/^--\S+$/m).slice(1));
    const text = parts.find((part) => part.includes('text/plain')) ?? '';
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    if (/base64/.test(text)) return Buffer.from(body, 'base64').toString();
    const bytes = body
      .replaceAll(/=\r?\n/g, '')
      .replaceAll(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString();
  };
  const linesIn = (text: string): readonly string[] => text.split(/\r?\n/).filter((line) => line.includes('| '));

  test('a failed unit has its last lines, escaped', async (t) => {
    const text = await mailsAbout(t, '', `unit nginx.service\nbind() failed\nexit ${evil}, unit b.service`);
    assert.deepEqual(linesIn(text), ['  | bind() failed', '  | exit \ufffd[31m<b>\ufffd', '  | Bcc: x']);
  });

  test('a check or container has the lines below its first one, the last five and 2 KB of them', async (t) => {
    const lines = Array.from({ length: 7 }, (_, at) => `line ${at}`).join('\n');
    const failing = `check container:web 2 x=1\n${lines}`;
    const text = await mailsAbout(t, '', failing, failing);
    assert.deepEqual(
      linesIn(text),
      [2, 3, 4, 5, 6].map((at) => `  | line ${at}`),
    );
    const wide = `check web 2 x=1\n${Array.from({ length: 5 }, () => '\u6f22'.repeat(180)).join('\n')}`;
    const [...signs] = (await mailsAbout(t, '', wide, wide)).matchAll(/\u6f22/g);
    assert.ok(signs.length > 360 && 3 * signs.length <= 2048, `${signs.length} of three bytes`);
  });

  test('there are none if config.xml says so, and none of a check that has recovered', async (t) => {
    const failing = 'check mailq 2 x=1\nsecret';
    assert.doesNotMatch(await mailsAbout(t, 'excerpt="no"', failing, failing), /secret/);
    const made = await mailsAbout(t, '', failing, failing, 'check mailq 0 x=1\nfine', 'check mailq 0 x=1\nfine');
    assert.doesNotMatch(made, /fine/);
  });
});
