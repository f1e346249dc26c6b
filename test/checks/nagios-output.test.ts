import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parsePluginOutput } from '../../src/checks/nagios-output.ts';

const cases: readonly (readonly [name: string, output: string, text: string, perfdata: string])[] = [
  [
    'one line',
    'DISK OK - free: / 3326 MB | /=2643MB;5948;5958;0;5968\n',
    'DISK OK - free: / 3326 MB',
    '/=2643MB;5948;5958;0;5968',
  ],
  [
    'long text and long performance data',
    'DISK OK | /=2643MB\n/ 15272 MB (77%)\n/boot 68 MB (69%) ' +
      '| /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n',
    'DISK OK\n/ 15272 MB (77%)\n/boot 68 MB (69%)',
    '/=2643MB /boot=68MB;88;93;0;98 /home=69357MB;253404;253409;0;253414',
  ],
  ['no output', '', '', ''],
  ['a bar and nothing (Icinga/icinga2#9168)', 'SNMP OK - 1 |', 'SNMP OK - 1', ''],
  [
    'a quoted line of a log (Icinga/icinga2#4347)',
    'WARNING - 2016-07-05 02:27:25,212|/MyWebServiceTest ERROR Not allowed |nagios.log_lines=0 nagios.log_warnings=1',
    'WARNING - 2016-07-05 02:27:25,212|/MyWebServiceTest ERROR Not allowed',
    'nagios.log_lines=0 nagios.log_warnings=1',
  ],
  [
    'a pattern (phrawzty/check_http_json#42)',
    "OK: 'pe1.L_state' (regex) does match ^(1|2|3|4|5|99)$ | system.L_usb_stick=0",
    "OK: 'pe1.L_state' (regex) does match ^(1|2|3|4|5|99)$",
    'system.L_usb_stick=0',
  ],
  [
    'a pattern (centreon-archive/centreon-engine#115)',
    "OK: '(string1|string2)' is prensent in content. | 'time'=0.058s;;;0; 'size'=2646B;;;0;",
    "OK: '(string1|string2)' is prensent in content.",
    "'time'=0.058s;;;0; 'size'=2646B;;;0;",
  ],
  ['a bar in the text alone', 'OK - a | b', 'OK - a | b', ''],
  ['two bars (aleex42/netapp-cdot-nagios#13)', 'OK | a=1 | b=2', 'OK', 'a=1 b=2'],
  [
    'lines of a table (Icinga/icinga2#8006)',
    'UNSAFE\n| CVE-1 | 7.2 |\n| CVE-2 | 9.8 |',
    'UNSAFE\n| CVE-1 | 7.2 |\n| CVE-2 | 9.8 |',
    '',
  ],
  ['line ends of Windows', 'OK | a=1\r\nmore\r\n', 'OK\nmore', 'a=1'],
];

for (const [name, output, text, perfdata] of cases) {
  test(`output of a plugin: ${name}`, () => {
    assert.deepEqual(parsePluginOutput(output), { text, perfdata });
  });
}
