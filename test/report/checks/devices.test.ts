/** Devices by their files and by earlier results. test/agent/probes/devices.test.ts has the files of machines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { devicePlaces } from '../../../agent/probes/devices.ts';
import type { EarlierResult } from '../../../src/report/checks/device-files.ts';
import { parseDevice } from '../../../src/report/checks/devices.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const uuid = '3aaa0122-29827cfa-5331ad66-ca767371';
const dashed = '3aaa0122-2982-7cfa-5331-ad66ca767371';

type Figures = Readonly<Record<string, number>>;
/** Returns an earlier result with these figures, of the last report. */
const had = (figures: Figures): EarlierResult => ({
  figures: new Map(Object.entries(figures)),
  isOfLastReport: true,
  isFirstReport: false,
});
const first: EarlierResult = { figures: null, isOfLastReport: false, isFirstReport: true };
const lacked: EarlierResult = { ...first, isFirstReport: false };

function state(check: string, lines: readonly string[], earlier = first): string | null {
  const found = parseDevice(check, lines.join('\n'), nowMs, () => earlier);
  return found === null ? null : `${found.name} ${found.state} ${found.text}`;
}

/** Returns the lines of an array. `disks` are the states of its members by their names. */
function array(
  more: Figures & { readonly level?: never },
  level = 'raid1',
  disks: Readonly<Record<string, string>> = {},
) {
  const figures = { raid_disks: 2, degraded: 0, mismatch_cnt: 0, ...more };
  return [
    '/md/array_state=clean',
    '/md/metadata_version=1.2',
    `/md/level=${level}`,
    ...Object.entries(figures).map(([file, value]) => `/md/${file}=${value}`),
    '/md/sync_action=idle',
    '/md/sync_completed=none',
    ...Object.entries(disks).map(([disk, text]) => `/md/dev-${disk}/state=${text}`),
  ];
}

const slots = array({ raid_disks: 32, degraded: 28 });
const asMade = 'as it was at the first report';

for (const [title, found, expected] of [
  ['an array that is whole', state('md:md0', array({})), 'md:md0 0 raid1 clean'],
  [
    'a mirror of a NAS whose slots were never filled is no fault',
    state('md:md0', slots),
    `md:md0 0 raid1 clean, 28 of 32 disks missing, ${asMade}`,
  ],
  [
    'the same in later reports',
    state('md:md0', slots, had({ degraded: 28, disks: 4 })),
    `md:md0 0 raid1 clean, 28 of 32 disks missing, ${asMade}`,
  ],
  [
    'a mirror of a NAS that had one disk more is critical',
    state('md:md0', slots, had({ degraded: 27, disks: 5 })),
    'md:md0 2 raid1 clean, 28 of 32 disks missing',
  ],
  [
    'an array stays critical in the reports after the loss',
    state('md:md0', array({ degraded: 1 }), had({ degraded: 1, disks: 1, most_disks: 2 })),
    'md:md0 2 raid1 clean, 1 of 2 disks missing',
  ],
  [
    'an array that has more slots now is as it was made',
    state('md:md0', array({ raid_disks: 3, degraded: 1 }), had({ degraded: 0, disks: 2 })),
    `md:md0 0 raid1 clean, 1 of 3 disks missing, ${asMade}`,
  ],
  [
    'a mirror with one disk that was never fuller is a warning',
    state('md:md0', array({ degraded: 1 })),
    `md:md0 1 raid1 clean, 1 of 2 disks missing, ${asMade}`,
  ],
  ...['raid4', 'raid5', 'raid6', 'raid10'].map((level) => [
    `${level} without a disk that was never fuller is a warning`,
    state('md:md0', array({ raid_disks: 4, degraded: 1 }, level)),
    `md:md0 1 ${level} clean, 1 of 4 disks missing, ${asMade}`,
  ]),
  [
    'a disk marked as faulty is critical where one is missing',
    state('md:md0', array({ degraded: 1 }, 'raid1', { sda1: 'in_sync', sdb1: 'faulty,blocked' })),
    'md:md0 2 raid1 clean, 1 of 2 disks missing, disk sdb1 has failed',
  ],
  [
    'a disk that failed and was replaced by a spare is told',
    state('md:md0', array({}, 'raid1', { sda1: 'in_sync', sdb1: 'faulty', sdc1: 'in_sync' })),
    'md:md0 1 raid1 clean, disk sdb1 has failed',
  ],
  ['a spare that waits is no fault', state('md:md0', array({}, 'raid1', { sdc1: 'spare' })), 'md:md0 0 raid1 clean'],
  [
    'an array is named by its UUID, whatever its device is called',
    state('md:md127', [...array({}), `/md/uuid=${dashed}`]),
    `md:${dashed} 0 md127: raid1 clean`,
  ],
  ['a UUID of another form names nothing', state('md:md0', [...array({}), `/md/uuid=${uuid}`]), 'md:md0 0 raid1 clean'],
  ['a container of other metadata is no array', state('md:md127', array({}, 'container')), null],
  [
    'an array that reshapes tells what is missing',
    state('md:md0', [
      ...array({ degraded: 1 }, 'raid5').filter((line) => !line.includes('disks')),
      '/md/raid_disks=4 (3)',
    ]),
    `md:md0 1 raid5 clean, 1 of 4 (3) disks missing, ${asMade}`,
  ],
  ['ext4 without errors', state('ext4:sda1', ['/errors_count=0']), null],
  [
    'errors of ext4 at the first report are old',
    state('ext4:sda1', ['/errors_count=2']),
    'ext4:sda1 1 2 errors of the file system on sda1; to be checked by fsck',
  ],
  [
    'the first error of ext4 since the last report, also over a boot',
    state('ext4:dm-0', ['/errors_count=1', '/last_error_time=1700000000', '/last_error_func=ext4_find_entry'], lacked),
    'ext4:dm-0 2 1 error of the file system on dm-0, the last at 2023-11-14T22:13:20Z in ext4_find_entry, ' +
      '1 since the previous report; to be checked by fsck',
  ],
  [
    'errors of ext4 that were told before',
    state('ext4:sda1', ['/errors_count=3'], had({ errors: 3 })),
    'ext4:sda1 1 3 errors of the file system on sda1; to be checked by fsck',
  ],
  [
    'errors of ext4 after fsck has removed the earlier ones',
    state('ext4:sda1', ['/errors_count=3'], { ...had({ errors: 3 }), isOfLastReport: false }),
    'ext4:sda1 2 3 errors of the file system on sda1, 3 since the previous report; to be checked by fsck',
  ],
  ['a file system that tells nothing', state('ext4:sda1', ['/errors_count=x']), 'ext4:sda1 3 cannot be read'],
  ['a kind that this version does not know', state('nvme:nvme0', ['/state=live']), 'nvme:nvme0 3 cannot be read'],
] as const) {
  test(`devices: ${title}`, () => {
    assert.equal(found, expected);
  });
}

test('no text of a device keeps the rest of a report from being read', () => {
  const kinds = fc.constantFrom(...devicePlaces.map(([kind]) => kind), 'constructor', '');
  const lines = fc.array(
    fc.tuple(
      fc.constantFrom('', '/md/degraded', '/md/array_state', '/zpool', '/ce_count', '/errors_count'),
      fc.string(),
    ),
  );
  fc.assert(
    fc.property(kinds, fc.string(), lines, fc.double(), (kind, name, files, count) => {
      const output = files.map(([file, text]) => `${file}=${text}`).join('\n');
      const found = parseDevice(`${kind}:${name}`, output, nowMs, () => had({ degraded: count, errors: count }));
      assert.ok(found === null || (found.state <= 3 && found.figures.every(({ value }) => value !== -1)));
    }),
  );
});
