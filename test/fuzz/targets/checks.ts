import { checkStats } from '../../../src/report/checks/checks.ts';
import { formatPerfdata } from '../../../src/report/checks/written-perfdata.ts';
import { parsePerfdata } from '../../../src/report/checks/perfdata.ts';
import { checkFormats, maxCheckOutputBytes, type CheckFormat, type CheckResult } from '../../../src/report/checks.ts';
import { maxSubjects } from '../../../src/report/limits.ts';
import { requireSame, requireThat, type FuzzTarget } from '../target.ts';

const datetime = '2026-11-22T12:00:00.000Z';
const seed = (format: CheckFormat, exit: number, ...lines: readonly string[]): Buffer =>
  Buffer.from(`${format} ${exit}\n${lines.join('\n')}`);

/** A first line `FORMAT EXIT`, and the output of a check with arbitrary text from the client. */
export const checksTarget: FuzzTarget = {
  name: 'checks',
  seeds: () => [
    seed('nagios', 0, "DISK OK | '/ used'=2643MB;5948;5958;0;5968", 'long text | /boot=68MB;88;93;0;98 time=0,5s'),
    seed('checkmk', 0, '0 "a b" n=1;2;3;0;9|m=2 text', 'P c v=5;1:4;0:6 text', '2 d - down'),
    seed('prom', 1, '# HELP a b', 'a{b="c"} 1'),
    seed(
      'certificate',
      0,
      ...['warning=1814400', 'critical=604800', 'file=/etc/a.pem', 'notAfter=Dec 31 09:37:37 2026 GMT'],
      ...['subject=CN=a', 'issuer=CN=b', 'fault=not there: /etc/b.pem'],
    ),
    seed(
      'textfile',
      0,
      ...['stale=7200', 'file=2 smartmon.prom', 'smartmon_device_smart_healthy{disk="/dev/sda",type="sat"} 0'],
      ...['nvme_percentage_used_ratio{device="nvme1n1"} 0.93', 'file=9 apt.prom', 'fault=line 2 is no sample'],
    ),
    seed(
      'http',
      0,
      'want=slow=1s,5s',
      'want=status=200',
      'status=502 Bad Gateway',
      'lacks=up',
      'begins=<html>',
      'seconds=0.2',
    ),
    seed(
      'http',
      1,
      'allowed=10',
      'host=a',
      'at=a:443',
      'first=connect ECONNREFUSED',
      'fault=tls altnames: DNS:b',
      'end=x',
    ),
    seed('dns', 0, 'want=type=MX', 'want=expect=10 a', 'host=a', 'value=10 a.', 'seconds=1'),
    seed('tcp', 0, 'at=a:25', 'begins=220 a', 'lacks=+PONG', 'seconds=1'),
    seed('gpu', 0, 'NVIDIA A100-SXM4-40GB, 34, 0, 0, 40960', 'Unable to determine the device handle: GPU is lost.'),
  ],
  words: [
    ...[...checkFormats, '|', ';', '=', "'", '"', '\n', '%', 'MB', 'U', '~:', '@', ' 0', ' 3\n', ' 126\n', 'P '],
    ...['file=', 'fault=', 'stale=', 'notAfter=', '{disk="', '} ', '1e999', 'NaN', '-1', '\x1b[2J', '\xe2\x80\xae'],
    ...['\xff', '\0', 'nvme_critical_warning_total', 'Jan  1 00:00:00 9999 GMT', '[N/A]', ','],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const { format, exit, output } = asked(input);
    const common = { format, age_s: 0 };
    const checks: readonly CheckResult[] = [
      { ...common, name: 'a', exit, why: null, output },
      { ...common, name: 'gpu:8', exit: null, why: 'timeout', output },
    ];
    const rows = checkStats({ datetime, checks });
    requireThat(rows.length <= maxSubjects, 'more rows than allowed');
    for (const { check_name: name, state, text, perfdata } of rows) {
      requireThat([0, 1, 2, 3].includes(state), 'a state that is none');
      requireThat(name.length > 0 && name.length <= 255, 'a name beyond its limit');
      requireThat(text.length <= 1000, 'a text beyond its limit');
      requireThat(!/[^\n\P{Cc}]|\p{Cs}/u.test(name + text + perfdata), 'characters that a screen must not meet');
      requireSame(formatPerfdata(parsePerfdata(perfdata)), perfdata, 'figures written and read again');
    }
    return (
      `${format} ${rows.length} ` + rows.map(({ state, perfdata }) => `${state}${perfdata === '' ? '' : '|'}`).join('')
    );
  },
};

function asked(input: Buffer): { format: CheckFormat; exit: number; output: string } {
  const text = input.subarray(0, maxCheckOutputBytes).toString();
  const end = text.indexOf('\n');
  const [word, number] = text.slice(0, Math.max(0, end)).split(' ');
  const format = checkFormats.find((candidate) => candidate === word) ?? 'nagios';
  return { format, exit: Number(number) & 255, output: text.slice(end + 1) };
}
