import { collectStateCapture } from '../../../agent/capture/captured-state.ts';
import { parseCapture } from '../../../agent/capture/parse-capture.ts';
import { emptyDigests } from '../../../agent/state/state-source.ts';
import { reportPlace } from '../../../src/report/check-value.ts';
import { stateSectionsOf } from '../../../src/report/state/parse-state.ts';
import { isReportFault, kindOf, outcomeOf, type FuzzTarget } from '../target.ts';

const digest = '0cc175b9c0f1b6a831c399e269772661';

/** A state with a line of each kind, but for the package managers. */
const sampleState = `=pid 9
=place /home/x
=state
=sums md5
=sums sha256
+run/systemd/system
proc/uptime:1000.00 1.00
proc/self/mountinfo:20 1 8:1 / / rw - ext4 /dev/sda1 rw
proc/net/tcp: 0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1
proc/net/udp: 0: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1
proc/sys/kernel/osrelease:6.1
etc/passwd:root:x:0:0:root:/root:/bin/sh
etc/group:sudo:x:27:a
etc/os-release:PRETTY_NAME="Debian"
=entry 41ed 4096 1700000000 ./etc/systemd/system
=entry 81a4 10 1700000000 ./etc/passwd
=entry 81a4 10 1700000000 ./etc/systemd/system/a.service
=entry a1ff 10 1700000000 ./etc/systemd/system/b.service
=link ./etc/systemd/system/b.service /dev/null
=restless /etc/passwd
:md5:${digest}  etc/passwd
:md5:${emptyDigests.md5}  /dev/null
:md5:=0
:sha256:${emptyDigests.sha256}  /dev/null
:sha256:=0
:udp: 0: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 1
:udp:=0
`;
const managers = [
  `+var/lib/dpkg/status\n:dpkg-query:ii bash 5.2 amd64\n:dpkg-query: /etc/passwd ${digest}\n:dpkg-query:=0\n`,
  `+var/lib/rpm/rpmdb.sqlite\n:rpm:1 bash 5.2-1 x86_64\n:rpm:=0\n:rpm --dump:/etc/passwd 10 1 ${digest} 0100644 root root 1 0 0 X\n:rpm --dump:=0\n`,
  `+lib/apk/db\nlib/apk/db/installed:P:bash\nlib/apk/db/installed:V:5.2\nlib/apk/db/installed:A:x86_64\n`,
  `+var/lib/pacman/local/bash-5.2-1\nvar/lib/pacman/local/bash-5.2-1/files:%BACKUP%\nvar/lib/pacman/local/bash-5.2-1/files:etc/passwd\t${digest}\n`,
];
const end = '=end 1|2|3|\n';

/** A state is reported or refused, whatever a client captures, and a report has only what collectors take. */
export const stateCaptureTarget: FuzzTarget = {
  name: 'state-capture',
  seeds: () => [Buffer.from(sampleState + end), ...managers.map((text) => Buffer.from(sampleState + text + end))],
  words: ['=state', '=sums md5', '=entry ', '=end', ':dpkg-query:', ':rpm:', '=0', '\n=', '\n:', '\n!', '\\040', '../'],
  check: async (input) => {
    const { value: capture, fault } = outcomeOf(() => parseCapture(input), isReportFault);
    if (capture === null) return kindOf(fault);
    if (!capture.facts.has('state')) return 'no state';
    const report = await collectStateCapture({ capture, agent: '1', bootId: null, wallMs: 1, options: {} });
    const sections = stateSectionsOf(report.sections, { within: reportPlace, key: 'sections' });
    return sections.map(({ kind, lines, error }) => `${kind} ${lines?.length} ${error?.slice(0, 30)}`).join(' ');
  },
};
