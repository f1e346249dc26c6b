import { capturedSource } from '../../../agent/capture/captured-source.ts';
import { parseCapture } from '../../../agent/capture/parse-capture.ts';
import { isReportFault, kindOf, outcomeOf, requireThat, type FuzzTarget } from '../target.ts';

/** A capture with a line of each kind. */
export const sampleCapture = `=pid 9
=place /home/x
+proc/1
+proc/9
+run/systemd/system
-proc/1/stat
proc/uptime:1000.00 1.00
proc/stat:cpu  1 2 3 4 5 6 7 8
proc/stat:cpu0 1 2 3 4 5 6 7 8
proc/9/stat:9 (sh) S 1 9 9 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 1 0 123 1000 200 1
proc/self/mountinfo:20 1 8:1 / / rw - ext4 /dev/sda1 rw
etc/fstab:/dev/sdb1 /data ext4 defaults 0 0
!proc/9/cmdline:/bin/sh
:notes:- 1
:notes:{"counters":null,"texts":{},"sinceMs":1}
:systemctl:Id=-.slice
:systemctl:
:systemctl:Id=a.service
:systemctl:=0
:checks:
=sample
proc/uptime:1001.00 1.00
=link ./proc/self/ns/pid pid:[4026531836]
=time ./run/systemd/timesync/synchronized 1000
=kind ./ folder
=fs 100 50 40 4096 10 5 ./
=df ./x /dev/x 100 50 40 56% /x
=late ./y 2000
=fail ./z stat: z: Stale file handle
=end 1|2|3|1 (a) S|2 (b) S
`;

/** A capture is parsed or refused, and whatever is parsed answers a probe without any other error. */
export const captureTarget: FuzzTarget = {
  name: 'capture',
  seeds: () => [Buffer.from(sampleCapture)],
  words: ['=sample', '=end', '=fs ', '+proc/', ':notes:', ':checks:', '\\040', '../', '\n=', '\n:', '\n!'],
  check: (input) => {
    const { value: capture, fault } = outcomeOf(() => parseCapture(input), isReportFault);
    if (capture === null) return kindOf(fault);
    const [files = new Map<string, string>()] = capture.samples;
    const source = capturedSource({ capture, files, nowMs: 1, notes: null });
    for (const path of [...files.keys(), ...capture.names]) {
      requireThat(source.exists(path), 'a file that is not there');
      for (const name of source.list(path)) requireThat(!name.includes('/'), 'a name with a slash');
    }
    return `${capture.samples.length} ${files.size} ${capture.programs.size}`;
  },
};
