import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';

import { log } from '../../../agent/probes/log.ts';
import type { ProbeResult } from '../../../agent/probes/probe.ts';
import type { FunctionReport } from '../../../src/report/report.ts';
import { isWide } from '../../support/long-tests.ts';
import { shellAgent, workerOf } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';
import { contextOf, familyOf, onlyRow, reasonOf } from './fixture-context.ts';

const awks = ['mawk', 'gawk', 'original-awk', 'busybox awk'].filter(
  (awk) => spawnSync('sh', ['-c', `${awk} 'BEGIN { print 1 }'`]).stdout.toString() === '1\n',
);
const asks = ['3', '3 oom-kill', '6 Failed [a-z]+'];

interface Machine {
  readonly root: string;
  readonly file: (name: string) => string;
  readonly program: (name: string, shell: string) => void;
  readonly visit: (logs?: readonly string[]) => Promise<ProbeResult>;
  readonly place: string;
}

/** Returns a machine with an empty /var/log. The Node agent visits it with the given awk. */
function machineWith(t: TestContext, awk = 'mawk'): Machine {
  const [root, place, bin] = [tempFolder(t), tempFolder(t), tempFolder(t)];
  mkdirSync(`${root}/var/log`, { recursive: true });
  mkdirSync(`${root}/proc/sys/kernel/random`, { recursive: true });
  writeFileSync(`${root}/proc/sys/kernel/random/boot_id`, 'boot-1\n');
  writeFileSync(`${root}/proc/uptime`, '100.00 1.00\n');
  const program = (name: string, shell: string): void => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${shell}\n`);
    chmodSync(path.join(bin, name), 0o700);
  };
  program('awk', `exec ${awk} "$@"`);
  program('dmesg', 'exit 1');
  const visit = async (logs: readonly string[] = asks): Promise<ProbeResult> => {
    const before = process.env['PATH'] ?? '';
    process.env['PATH'] = `${bin}:${before}`;
    try {
      const leftMs = (): number => 8000;
      return await log.run(contextOf(root, { options: { logs }, placeDir: place, leftMs }));
    } finally {
      process.env['PATH'] = before;
    }
  };
  return { root, place, program, visit, file: (name) => `${root}/var/log/${name}` };
}

const errorsOf = ({ functions }: ProbeResult): unknown => onlyRow(functions, 'log')['errors'];
const countsOf = ({ functions }: ProbeResult): unknown =>
  familyOf(functions, 'log_match').data.map((row) => row['count']);
const timesOf = ({ functions }: ProbeResult): unknown => familyOf(functions, 'log_line').data.map((row) => row['time']);
const linesOf = ({ functions }: { readonly functions: readonly FunctionReport[] }): unknown =>
  familyOf(functions, 'log_line').data.map(({ priority, unit, text, times }) => ({ priority, unit, text, times }));

const entry = (cursor: string, fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ __CURSOR: cursor, ...fields }).replaceAll("'", "'\\''");

/** Installs a journalctl that prints these entries after a cursor, and an earlier entry with `-n 1`. */
function journal(machine: Machine, entries: readonly string[]): void {
  mkdirSync(`${machine.root}/var/log/journal/id`, { recursive: true });
  writeFileSync(`${machine.root}/var/log/journal/id/system.journal`, '');
  const lines = entries.map((one) => `echo '${one.replaceAll('\\', '\\\\')}'`).join('\n');
  machine.program(
    'journalctl',
    `echo "$*" >> ${machine.root}/asked
case "$*" in *-n\\ 1*) echo '{"__CURSOR":"s=1;i=0"}' ;; *) ${lines || ':'}\n;; esac`,
  );
}

for (const awk of isWide ? awks : awks.slice(0, 1)) {
  describe(awk, () => {
    test('a file of syslog is read from where the last visit ended', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('syslog'), 'Nov 22 05:41:08 h kernel: oom-kill of long ago\n');
      const first = await machine.visit();
      assert.equal(reasonOf(first.functions, 'log', 'errors'), 'first visit');
      assert.deepEqual(countsOf(first), [null, null, null]);
      appendFileSync(machine.file('syslog'), '<11>2026-11-22T05:41:08.1+00:00 h kernel: oom-kill 1\n');
      appendFileSync(machine.file('syslog'), 'Nov 22 05:41:08 h daemon.err crond[1]: no\nNov 22 05:41:09 h auth.in');
      const second = await machine.visit();
      assert.deepEqual([errorsOf(second), countsOf(second)], [2, [2, 1, 0]]);
      assert.deepEqual(linesOf(second), [
        { priority: 'err', unit: 'kernel', text: 'oom-kill 1', times: 1 },
        { priority: 'err', unit: 'crond', text: 'no', times: 1 },
      ]);
      assert.deepEqual(timesOf(second), ['2026-11-22T05:41:08.1+00:00', 'Nov 22 05:41:08']);
      appendFileSync(machine.file('syslog'), 'fo sshd[7]: Failed password\n');
      const third = await machine.visit();
      assert.deepEqual([errorsOf(third), countsOf(third)], [0, [0, 0, 1]]);
      assert.deepEqual(linesOf(third), [{ priority: 'info', unit: 'sshd', text: 'Failed password', times: 1 }]);
      assert.equal(third.error, undefined);
    });

    test('lines without a priority match expressions, and make the count of errors unknown', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('messages'), '');
      await machine.visit();
      appendFileSync(machine.file('messages'), 'Nov  2 05:41:08 h kernel: oom-kill\nNov  2 05:41:08 h a: b\n');
      const result = await machine.visit();
      assert.deepEqual(countsOf(result), [null, 1, 0]);
      assert.equal(reasonOf(result.functions, 'log', 'errors'), '/var/log/messages does not say priorities');
      assert.deepEqual(linesOf(result), [{ priority: undefined, unit: 'kernel', text: 'oom-kill', times: 1 }]);
    });

    test('entries of the journal, hostile ones too, after the cursor of the last visit', async (t) => {
      const machine = machineWith(t, awk);
      const long = { MESSAGE: null, PRIORITY: '2', _SYSTEMD_UNIT: 'long.service' };
      journal(machine, [
        entry('s=1;i=1', {
          __REALTIME_TIMESTAMP: '1795326068123456',
          MESSAGE: 'a "b" \\ c","PRIORITY":"0',
          PRIORITY: '3',
          SYSLOG_IDENTIFIER: 'sshd',
        }),
        entry('s=1;i=2', { MESSAGE: 'x\u001b[31m\ny', PRIORITY: '3', SYSLOG_IDENTIFIER: 'é' }),
        entry('s=1;i=3', { MESSAGE: [...Buffer.from('oom-kill \xff', 'latin1')], PRIORITY: '3' }),
        entry('s=1;i=4', { ...long, __REALTIME_TIMESTAMP: '1795326070000000' }),
        entry('s=1;i=5', { ...long, __REALTIME_TIMESTAMP: '1795326075000000' }),
        entry('s=1;i=6', { MESSAGE: 'Failed login', PRIORITY: '6', SYSLOG_IDENTIFIER: 'sshd' }),
      ]);
      assert.equal(reasonOf((await machine.visit()).functions, 'log', 'errors'), 'first visit');
      assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), 'journal s=1;i=0\n');
      const result = await machine.visit();
      assert.deepEqual([errorsOf(result), countsOf(result)], [5, [5, 1, 1]]);
      assert.deepEqual(linesOf(result), [
        { priority: 'err', unit: 'sshd', text: 'a "b" \\ c","PRIORITY":"0', times: 1 },
        { priority: 'err', unit: 'é', text: 'x [31m y', times: 1 },
        { priority: 'err', unit: undefined, text: 'oom-kill \ufffd', times: 1 },
        { priority: 'crit', unit: 'long.service', text: '(a message of more than 4 KiB)', times: 2 },
        { priority: 'info', unit: 'sshd', text: 'Failed login', times: 1 },
      ]);
      // A repeated line has the time of its newest repetition.
      assert.deepEqual(timesOf(result), ['1795326068', undefined, undefined, '1795326075', undefined]);
      assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), 'journal s=1;i=6\n');
      assert.match(readFileSync(`${machine.root}/asked`, 'utf8'), /-p 6 --output-fields=\S+ --after-cursor=s=1;i=0\n$/);
    });

    test('entries as journalctl wrote them before systemd 240', async (t) => {
      const machine = machineWith(t, awk);
      journal(machine, [
        '{ "__CURSOR" : "s=1;i=1", "PRIORITY" : "3", "SYSLOG_IDENTIFIER" : "a", "MESSAGE" : "b \\"c\\"" }',
        '{ "__CURSOR" : "s=1;i=2", "PRIORITY" : "3", "_SYSTEMD_UNIT" : [ "d.service", "e" ], "MESSAGE" : [ 102, ' +
          '255 ] }',
      ]);
      await machine.visit();
      assert.deepEqual(linesOf(await machine.visit()), [
        { priority: 'err', unit: 'a', text: 'b "c"', times: 1 },
        { priority: 'err', unit: 'd.service', text: 'f\ufffd', times: 1 },
      ]);
    });

    test('a line of a megabyte, bytes that are no text, and lines without a form', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('syslog'), '');
      await machine.visit();
      appendFileSync(
        machine.file('syslog'),
        `<3>Nov 22 05:41:08 h a: b${'x'.repeat(1024 * 1024)}oom-kill\n\n<\n<999>\n`,
      );
      appendFileSync(
        machine.file('syslog'),
        Buffer.from('<0>\xff\xfe\x01\x7f\xc0\xaf \x1b]0;x\x07 oom-kill\r\n', 'latin1'),
      );
      const result = await machine.visit();
      assert.deepEqual([countsOf(result), result.error], [[null, 1, 0], undefined]);
      assert.deepEqual(linesOf(result), [
        { priority: 'err', unit: 'a', text: `b${'x'.repeat(253)}…`, times: 1 },
        {
          priority: 'emerg',
          unit: undefined,
          text: '\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd \ufffd]0;x\ufffd oom-kill',
          times: 1,
        },
      ]);
    });

    test('bytes of 0, as a loss of power leaves them, take no line', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('syslog'), '');
      await machine.visit();
      const line = (text: string): string => `<3>Nov 22 05:41:08 h a: ${text}\n`;
      appendFileSync(
        machine.file('syslog'),
        `${line('one')}${'\0'.repeat(9000)}${line('two oom-kill')}${line('th\0ree oom-kill')}<3>Nov 22`,
      );
      const result = await machine.visit();
      assert.deepEqual([errorsOf(result), countsOf(result)], [3, [3, 2, 0]]);
      appendFileSync(machine.file('syslog'), ' 05:41:08 h a: four\n');
      assert.equal(errorsOf(await machine.visit()), 1);
    });

    test('lines in the form of RFC 5424', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('syslog'), '');
      await machine.visit();
      const head = '<11>1 2026-11-22T05:41:08.1Z h';
      appendFileSync(
        machine.file('syslog'),
        [
          `${head} sshd 7 ID47 [a@1 x="1 2" y="b"][c@1] one: more`,
          `${head} - - - - two`,
          `${head} rsyslogd - - - [origin software="x"] start`,
          `${head} odd - - [a three`,
          `${head} none - - -`,
          '<11>1 line of another form',
        ].join('\n') + '\n',
      );
      assert.deepEqual(
        familyOf((await machine.visit(['3'])).functions, 'log_line').data.map(({ unit, text }) => [unit, text]),
        [
          ['sshd', 'one: more'],
          ['-', 'two'],
          ['rsyslogd', '[origin software="x"] start'],
          [undefined, 'odd - - [a three'],
          ['none', undefined],
          [undefined, 'line of another form'],
        ],
      );
    });

    test('of a flood all is counted, and the newest lines are kept within 4 KiB', async (t) => {
      const machine = machineWith(t, awk);
      writeFileSync(machine.file('syslog'), '');
      await machine.visit();
      const flood = Array.from({ length: 3000 }, (_, at) => `<3>Nov 22 05:41:08 h a: ${at} ${'x'.repeat(500)}\n`);
      appendFileSync(machine.file('syslog'), flood.join(''));
      const result = await machine.visit(['3']);
      assert.equal(errorsOf(result), 3000);
      const { data, omitted } = familyOf(result.functions, 'log_line');
      assert.equal((omitted ?? 0) + data.length, 3000);
      assert.ok(data.length >= 3 && data.length <= 20);
      const texts = data.map((row) => String(row['text']));
      assert.ok(texts.every((text) => text.length === 255));
      assert.match(texts.at(-1) ?? '', /^2999 x/);
    });
  });
}

test('expressions with two repetitions are tried on 512 bytes of a line, others on 4 KiB', async (t) => {
  const machine = machineWith(t);
  writeFileSync(machine.file('syslog'), '');
  await machine.visit();
  const line = (before: number): string => `<3>Nov 22 05:41:08 h a: ${'-'.repeat(before)}oom\n`;
  appendFileSync(machine.file('syslog'), [509, 510, 3900].map(line).join(''));
  assert.deepEqual(countsOf(await machine.visit(['3 o+m', '3 o+m+', '3 oom'])), [3, 1, 3]);
});

test('lines made for an expression end the visit with what was read, and say so', async (t) => {
  const machine = machineWith(t);
  writeFileSync(machine.file('syslog'), '');
  await machine.visit();
  appendFileSync(machine.file('syslog'), `<3>Nov 22 05:41:08 h a: ${'a'.repeat(512)}\n`.repeat(50));
  writeFileSync(`${machine.root}/proc/uptime`, '100.00 1.00\n');
  machine.program('tail', `echo 104.00 1.00 > ${machine.root}/proc/uptime; exec /usr/bin/tail "$@"`);
  const result = await machine.visit(['3 a*ac']);
  assert.equal(result.error, 'only a part was read: 3 s are the most for a visit');
  assert.equal(errorsOf(result), 50);
});

test('the rest of a file is read after its rotation, and its loss is reported', async (t) => {
  const machine = machineWith(t);
  const line = (text: string): string => `<3>Nov 22 05:41:08 h a: ${text}\n`;
  writeFileSync(machine.file('syslog'), line('old'));
  await machine.visit();
  appendFileSync(machine.file('syslog'), line('oom-kill 1'));
  renameSync(machine.file('syslog'), machine.file('syslog.1'));
  writeFileSync(machine.file('syslog'), line('oom-kill 2'));
  const rotated = await machine.visit();
  assert.deepEqual([countsOf(rotated), rotated.error], [[2, 2, 0], undefined]);
  renameSync(machine.file('syslog'), machine.file('syslog.gz'));
  writeFileSync(machine.file('syslog'), line('oom-kill 3'));
  const lost = await machine.visit();
  assert.deepEqual(countsOf(lost), [1, 1, 0]);
  assert.equal(lost.error, 'the rest of /var/log/syslog before its rotation was not found');
  truncateSync(machine.file('syslog'));
  assert.deepEqual(countsOf(await machine.visit()), [0, 0, 0]);
  appendFileSync(machine.file('syslog'), line('4'));
  assert.deepEqual(countsOf(await machine.visit()), [1, 0, 0]);
});

test('lines of the kernel, where nothing else can be read', async (t) => {
  const machine = machineWith(t);
  writeFileSync(`${machine.root}/proc/stat`, 'cpu 1 2\nbtime 1795326000\n');
  machine.program('dmesg', "echo '<3>[    1.000000] oom-kill old'");
  assert.equal(reasonOf((await machine.visit()).functions, 'log', 'errors'), 'first visit');
  machine.program('dmesg', "echo '<3>[    1.000000] oom-kill old'; echo '<27>[   12.500000] x: oom-kill new'");
  const result = await machine.visit();
  assert.deepEqual(
    [onlyRow(result.functions, 'log'), countsOf(result)],
    [{ source: 'kernel ring', errors: 1 }, [1, 1, 0]],
  );
  assert.deepEqual(linesOf(result), [{ priority: 'err', unit: 'kernel', text: 'x: oom-kill new', times: 1 }]);
  assert.deepEqual(timesOf(result), ['1795326012']);
  assert.deepEqual(countsOf(await machine.visit()), [0, 0, 0]);
  writeFileSync(`${machine.root}/proc/sys/kernel/random/boot_id`, 'boot-2\n');
  assert.deepEqual(countsOf(await machine.visit()), [2, 2, 0]);
});

test('the log of the kernel is no log of a container, which sees that of its host', async (t) => {
  const machine = machineWith(t);
  machine.program('dmesg', "echo '<3>[    1.000000] of the host'");
  machine.program('readlink', "echo 'pid:[4026532500]'");
  const result = await machine.visit();
  assert.match(String(result.error), /^no permission: .*, dmesg of the host$/);
  assert.deepEqual(countsOf(result), [null, null, null]);
  machine.program('cat', 'echo 5.15.153.1-microsoft-standard-WSL2');
  assert.equal(reasonOf((await machine.visit()).functions, 'log', 'errors'), 'first visit');
});

test('nothing that may be read is said with the reason', async (t) => {
  const result = await machineWith(t).visit();
  assert.equal(result.error, 'no permission: journal, /var/log/syslog, /var/log/messages, dmesg');
  assert.equal(reasonOf(result.functions, 'log', 'errors'), result.error);
  assert.deepEqual(countsOf(result), [null, null, null]);
});

test('a journalctl that hangs, and one that does not know the cursor', async (t) => {
  const machine = machineWith(t);
  journal(machine, []);
  await machine.visit();
  machine.program('journalctl', 'exec sleep 60');
  const startedMs = performance.now();
  const hanging = await machine.visit();
  assertWithin(startedMs, 7000);
  assert.equal(hanging.error, 'journalctl: no answer within 3 s');
  assert.deepEqual(countsOf(hanging), [null, null, null]);
  assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), 'journal s=1;i=0\n');
  machine.program('journalctl', `case "$*" in *-n\\ 1*) echo '{"__CURSOR":"s=2;i=9"}' ;; *) exit 1 ;; esac`);
  assert.equal((await machine.visit()).error, 'journalctl: ended with 1');
  assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), 'journal s=2;i=9\n');
});

test('entries before a journalctl that fails count once', async (t) => {
  const machine = machineWith(t);
  journal(machine, []);
  await machine.visit();
  const failed = entry('s=1;i=1', { MESSAGE: 'oom-kill', PRIORITY: '3' });
  machine.program('journalctl', `case "$*" in *-n\\ 1*) ;; *) echo '${failed}'; exit 1 ;; esac`);
  const result = await machine.visit();
  assert.deepEqual([countsOf(result), result.error], [[1, 1, 0], 'journalctl: ended with 1']);
});

test('after a boot whose clock was behind, the entries of that boot are read by themselves', async (t) => {
  const machine = machineWith(t);
  const [old, now] = ['1'.repeat(32), '2'.repeat(32)];
  writeFileSync(`${machine.root}/proc/sys/kernel/random/boot_id`, `22222222-${now.slice(8)}\n`);
  journal(machine, []);
  const of = (boot: string, number: number): string =>
    entry(`s=1;i=${number};b=${boot};m=1;t=1;x=1`, { MESSAGE: `oom-kill ${number}`, PRIORITY: '3' });
  writeFileSync(`${machine.place}/log`, `journal s=1;i=1;b=${old};m=1;t=1;x=1\n`, { mode: 0o600 });
  machine.program(
    'journalctl',
    `case "$*" in *--boot=${now}) echo '${of(now, 3)}'; echo '${of(now, 4)}' ;;
*b=${old}*) echo '${of(old, 2)}'; echo '${of(now, 4)}' ;; esac`,
  );
  assert.deepEqual(countsOf(await machine.visit()), [3, 3, 0]);
  assert.match(readFileSync(`${machine.place}/log`, 'utf8'), /^journal s=1;i=4;b=2/);
  assert.deepEqual(countsOf(await machine.visit()), [0, 0, 0]);
});

for (const name of ['messages.0', 'messages-20261129', 'messages-20261129-1795910400']) {
  test(`the rest of a file is read from ${name}, and not from other old files`, async (t) => {
    const machine = machineWith(t);
    const line = (text: string): string => `<3>Nov 22 05:41:08 h a: ${text}\n`;
    for (const old of ['messages.1', 'messages.2.gz', 'messages-20261101', 'messages-x'])
      writeFileSync(machine.file(old), line('oom-kill').repeat(9));
    writeFileSync(machine.file('messages'), line('old'));
    await machine.visit();
    appendFileSync(machine.file('messages'), line('oom-kill 1'));
    renameSync(machine.file('messages'), machine.file(name));
    writeFileSync(machine.file('messages'), line('oom-kill 2'));
    const rotated = await machine.visit();
    assert.deepEqual([countsOf(rotated), rotated.error], [[2, 2, 0], undefined]);
  });
}

test('a file that was cut is read from its begin, and says what is missing', async (t) => {
  const machine = machineWith(t);
  const line = (text: string): string => `<3>Nov 22 05:41:08 h a: ${text}\n`;
  writeFileSync(machine.file('syslog'), line('old').repeat(5));
  await machine.visit();
  writeFileSync(machine.file('syslog'), line('oom-kill'));
  const cut = await machine.visit();
  assert.deepEqual(
    [countsOf(cut), cut.error],
    [[1, 1, 0], 'the rest of /var/log/syslog before it was cut was not found'],
  );
});

test('an awk that fails costs no line; if it fails again, lines are skipped, which is said', async (t) => {
  const machine = machineWith(t);
  writeFileSync(machine.file('syslog'), '');
  await machine.visit();
  const position = readFileSync(`${machine.place}/log`, 'utf8');
  appendFileSync(machine.file('syslog'), '<3>Nov 22 05:41:08 h a: oom-kill 1\n');
  machine.program('awk', 'echo out of memory >&2; exit 2');
  assert.deepEqual(await machine.visit(), { functions: [], error: 'sh: out of memory' });
  assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), `${position}failed\n`);
  machine.program('awk', 'exec mawk "$@"');
  assert.deepEqual(countsOf(await machine.visit()), [1, 1, 0]);
  machine.program('awk', 'echo out of memory >&2; exit 2');
  await machine.visit();
  const again = await machine.visit();
  assert.deepEqual(again, { functions: [], error: 'sh: out of memory; the lines until now are skipped' });
  assert.equal(readFileSync(`${machine.place}/log`, 'utf8'), '\n');
});

test('the shell agent reports the same, and keeps the position for both agents', async (t) => {
  const machine = machineWith(t);
  writeFileSync(machine.file('syslog'), '');
  const agent = shellAgent(t);
  const run = async (): Promise<readonly FunctionReport[]> => {
    const visit = await agent.run({ root: machine.root, options: { logs: asks } });
    const { error, function_reports: functions } = workerOf(visit, 'log');
    assert.equal(error, null);
    return functions;
  };
  await run();
  appendFileSync(machine.file('syslog'), '<11>Nov 22 05:41:08 h kernel: oom-kill "1"\n');
  writeFileSync(`${machine.place}/log`, readFileSync(`${agent.place}/log`), { mode: 0o600 });
  const shell = await run();
  assert.deepEqual(shell, (await machine.visit()).functions);
  assert.deepEqual(linesOf({ functions: shell }), [
    { priority: 'err', unit: 'kernel', text: 'oom-kill "1"', times: 1 },
  ]);
  const unasked = await agent.run({ root: machine.root });
  assert.throws(() => workerOf(unasked, 'log'));
});
