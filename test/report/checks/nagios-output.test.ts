import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parsePluginOutput } from '../../../src/report/checks/nagios-output.ts';

const cases: readonly {
  readonly name: string;
  readonly output: string;
  readonly text: string;
  readonly perfdata: string;
}[] = [
  {
    name: 'one line',
    output: 'DISK OK - free: / 3326 MB | /=2643MB;5948;5958;0;5968\n',
    text: 'DISK OK - free: / 3326 MB',
    perfdata: '/=2643MB;5948;5958;0;5968',
  },
  {
    name: 'long text and long performance data',
    output:
      'DISK OK | /=2643MB\n/ 15272 MB (77%)\n/boot 68 MB (69%) ' +
      '| /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n',
    text: 'DISK OK\n/ 15272 MB (77%)\n/boot 68 MB (69%)',
    perfdata: '/=2643MB /boot=68MB;88;93;0;98 /home=69357MB;253404;253409;0;253414',
  },
  {
    name: 'performance data behind each line of long text (Icinga/icingaweb2#4792)',
    output:
      "WARNING - warning=1 ok=2\n[WARNING] Port 1: 43% | 'Port 1'=43%\n" +
      '[OK] Port 2: 26C | x=26 y=1\n z=2\n[OK] Port 3 |\n',
    text: 'WARNING - warning=1 ok=2\n[WARNING] Port 1: 43%\n[OK] Port 2: 26C\n[OK] Port 3',
    perfdata: "'Port 1'=43% x=26 y=1 z=2",
  },
  {
    name: 'bars in long performance data',
    output: "OK\nmore | a=1\nb=2 | c=3\n'd|e'=4 | f=5",
    text: 'OK\nmore',
    perfdata: "a=1 b=2 | c=3 'd|e'=4 | f=5",
  },
  { name: 'no output', output: '', text: '', perfdata: '' },
  { name: 'a bar and nothing (Icinga/icinga2#9168)', output: 'SNMP OK - 1 |', text: 'SNMP OK - 1', perfdata: '' },
  {
    name: 'a quoted line of a log (Icinga/icinga2#4347)',
    output:
      'WARNING - 2016-07-05 02:27:25,212|/MyWebServiceTest ERROR Not allowed |nagios.log_lines=0 nagios.log_warnings=1',
    text: 'WARNING - 2016-07-05 02:27:25,212|/MyWebServiceTest ERROR Not allowed',
    perfdata: 'nagios.log_lines=0 nagios.log_warnings=1',
  },
  {
    name: 'a pattern (phrawzty/check_http_json#42)',
    output: "OK: 'pe1.L_state' (regex) does match ^(1|2|3|4|5|99)$ | system.L_usb_stick=0",
    text: "OK: 'pe1.L_state' (regex) does match ^(1|2|3|4|5|99)$",
    perfdata: 'system.L_usb_stick=0',
  },
  {
    name: 'a pattern (centreon-archive/centreon-engine#115)',
    output: "OK: '(string1|string2)' is prensent in content. | 'time'=0.058s;;;0; 'size'=2646B;;;0;",
    text: "OK: '(string1|string2)' is prensent in content.",
    perfdata: "'time'=0.058s;;;0; 'size'=2646B;;;0;",
  },
  { name: 'bars in labels', output: `OK | 'a|b'=1 "c|d"=2`, text: 'OK', perfdata: `'a|b'=1 "c|d"=2` },
  { name: 'a bar in the text alone', output: 'OK - a | b', text: 'OK - a | b', perfdata: '' },
  { name: 'two bars (aleex42/netapp-cdot-nagios#13)', output: 'OK | a=1 | b=2', text: 'OK', perfdata: 'a=1 b=2' },
  {
    name: 'lines of a table (Icinga/icinga2#8006)',
    output: 'UNSAFE\n| CVE-1 | 7.2 |\n| CVE-2 | 9.8 |',
    text: 'UNSAFE\n| CVE-1 | 7.2 |\n| CVE-2 | 9.8 |',
    perfdata: '',
  },
  { name: 'line ends of Windows', output: 'OK | a=1\r\nmore\r\n', text: 'OK\nmore', perfdata: 'a=1' },
];

for (const { name, output, text, perfdata } of cases) {
  test(`output of a plugin: ${name}`, () => {
    assert.deepEqual(parsePluginOutput(output), { text, perfdata });
  });
}

test('a bar in a quoted label ends no text', () => {
  assert.deepEqual(parsePluginOutput("OK - can't fail | 'a|b'=1;2;3 c=4"), {
    text: "OK - can't fail",
    perfdata: "'a|b'=1;2;3 c=4",
  });
});
