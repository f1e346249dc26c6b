// Second tier: needs a full disk.
/**
 * The product's own disk runs full. People are notified below a tenth, while there is room for it, and when that ends.
 */
import assert from 'node:assert/strict';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { withSmallDisk } from '../support/programs/small-disk.ts';
import { startSmtpServer } from '../support/servers/smtp-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

const skip = process.getuid?.() !== 0 && 'only root mounts a file system';

test('below a tenth of the disk a mail comes, and another when it is over', { skip, timeout: 120_000 }, async (t) => {
  const dir = tempFolder(t);
  const smtp = await startSmtpServer();
  t.after(() => smtp.stop());
  const state = path.join(dir, 'state');
  await withSmallDisk(state, 64 * 1024, async () => {
    const passes = collectorWith(dir, smtp.port);
    for (const { status, stderr } of await passes()) assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(smtp.mails.length, 0);
    const { bavail, bsize } = statfsSync(state);
    const ballast = path.join(state, 'somebody-elses');
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4 * 2 ** 20));
    const [collected, alerted] = await passes();
    assert.equal(collected?.status, 1);
    assert.match(collected.stderr, /^fleet-health: \d\.\d % is free in .*\/state \(disk-low\)\..*\n$/);
    assert.equal(alerted?.status, 0);
    assert.equal(alerted.stderr, '');
    assert.equal(smtp.mails.length, 1);
    const isFree = /state-disk[^]*\d\.\d % \(\d(?:\.\d+)? MiB\) is free on\s+\S+\s+in\s+\S+\/state/;
    assert.match(smtp.mails[0]?.content ?? '', isFree);
    await passes();
    assert.equal(smtp.mails.length, 1, 'it is notified once');
    rmSync(ballast);
    await passes();
    assert.equal(smtp.mails.length, 2);
    assert.match(/^Subject: .*$/m.exec(smtp.mails[1]?.content ?? '')?.[0] ?? '', /state-disk/);
  });
});

/** Writes a config.xml with this machine as its client. Returns a function that runs both programs. */
function collectorWith(dir: string, smtpPort: number): () => Promise<readonly CliResult[]> {
  const config = path.join(dir, 'config.xml');
  writeFileSync(
    config,
    `<config>
  <smtp host="127.0.0.1" port="${smtpPort}" security="none"/>
  <collector every="5m"/>
  <ssh node="${process.execPath}"/>
  <alerts defaults="no" groupInterval="1s"><mail to="ops@example.org"/></alerts>
  <client name="here" ip="127.0.0.1" transport="local"/>
</config>\n`,
    { mode: 0o600 },
  );
  const run = (command: string): Promise<CliResult> => runBuilt(['-q', '-c', config, command], { env: { HOME: dir } });
  return async () => [await run('collect'), await run('alert')];
}
