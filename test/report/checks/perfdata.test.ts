import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { maxFigures, parsePerfdata, rangeOf } from '../../../src/report/checks/perfdata.ts';
import { formatPerfdata } from '../../../src/report/checks/written-perfdata.ts';
import { codePoint } from '../../support/code-points.ts';

/** A line of performance data that a plugin has printed, with its source. */
interface Printed {
  readonly seen: string;
  readonly line: string;
  readonly figures: string;
}

const printed: readonly Printed[] = [
  {
    seen: 'shinken-solutions/shinken#858',
    line: "'Physical Memory Used'=12085620736Bytes; 'Physical Memory Utilisation'=94%;80;90;",
    figures: "'Physical Memory Used'=12085620736B 'Physical Memory Utilisation'=94%;80;90",
  },
  {
    seen: 'shawn-sterling/graphios#71',
    line:
      "'Intel(R) PRO/1000 MT Network Connection_in_prct'=0%;8000;9000;0;100 'Intel(R) " +
      "PRO/1000 MT Network Connection_speed_bps'=1000000000",
    figures:
      "'Intel(R) PRO/1000 MT Network Connection_in_prct'=0%;8000;9000;0;100 'Intel(R) " +
      "PRO/1000 MT Network Connection_speed_bps'=1000000000",
  },
  {
    seen: 'shawn-sterling/graphios#54',
    line: "'SMTP CONNECTIONS'=1766;7000;10000;;",
    figures: "'SMTP CONNECTIONS'=1766;7000;10000",
  },
  {
    seen: 'shawn-sterling/graphios#54',
    line: 'd:\\ Used Space=75.48Gb;90.00;95.00;0.00;100.00',
    figures: "'d:\\ Used Space'=81046032875.52B;96636764160;102005473280;0;107374182400",
  },
  {
    seen: 'shawn-sterling/graphios#54',
    line: 'Memory usage=19730.51Mb;22372.50;23314.50;0.00;23550.00',
    figures: "'Memory usage'=20688939253.76B;23459266560;24447025152;0;24693964800",
  },
  {
    seen: 'shawn-sterling/graphios#54',
    line: '5 min avg Load=59%;80;90;0;100',
    figures: "'5 min avg Load'=59%;80;90;0;100",
  },
  {
    seen: 'lausser/check_logfiles#17',
    line: 'some space_lines=0 some space_warnings=0 some space_criticals=0 some space_unknowns=0',
    figures: "'some space_lines'=0 'some space_warnings'=0 'some space_criticals'=0 'some space_unknowns'=0",
  },
  { seen: 'BornToBeRoot/check_nextcloud#3', line: 'users_last_1_hour=20,', figures: 'users_last_1_hour=20' },
  {
    seen: 'IBM/nagios-for-i#20',
    line: "'CPU Utilization' = 11.11%;10.0;20.0",
    figures: "'CPU Utilization'=11.11%;10;20",
  },
  {
    seen: 'Icinga/icinga2#3606',
    line:
      'network=57518B/s;;;0; netI="vmxnet3 Ethernet Adapter _2";in=9143B/s;out=48375B/s ' +
      'netI="isatap.{92FA5A87}";in=0B/s;out=0B/s',
    figures: 'network=57518;;;0 in=9143 out=48375',
  },
  {
    seen: 'slauger/check_netscaler#47',
    line: 'ns.hacurstate=UP;; ns.hacurmasterstate=Primary;; hapktrxrate=5a;;;0; hapkttxrate=5a;;;0;',
    figures: 'hapktrxrate=5;;;0 hapkttxrate=5;;;0',
  },
  {
    seen: 'shinken-solutions/shinken#914',
    line: 'time=3,263679s;;;0,000000 size=27885B;;;0 ',
    figures: 'time=3.263679s;;;0 size=27885B;;;0',
  },
  {
    seen: 'nagios-plugins/nagios-plugins#526',
    line: 'offset=-0,082044s;0,000000;1,000000;',
    figures: 'offset=-0.082044s;0;1',
  },
  {
    seen: 'madrisan/nagios-plugins-linux#140',
    line: 'mem_dirty=52kB mem_inactive=14287416kB, vmem_pageins/s=0, vmem_pageouts/s=8926, vmem_pgmajfault/s=6',
    figures: 'mem_dirty=53248B mem_inactive=14630313984B vmem_pageins/s=0 vmem_pageouts/s=8926 vmem_pgmajfault/s=6',
  },
  {
    seen: 'Icinga/icinga2#9330',
    line: 'CpuIowait=0.75%;90;95;0; CpuIdle=12.47%;0,0;0; CpuNice=46.13%;0;0;0;',
    figures: 'CpuIowait=0.75%;90;95;0 CpuIdle=12.47%;0;0 CpuNice=46.13%;0;0;0',
  },
  { seen: 'Icinga/icinga2#9282', line: "'testdb max'=Us;60;90", figures: "'testdb max'=U;60;90" },
  {
    seen: 'Icinga/icinga2#3599',
    line: 'time=0,006561s;60,000000;120,000000;0,000000;120,000000',
    figures: 'time=0.006561s;60;120;0;120',
  },
  {
    seen: 'patrikskrivanek/icinga2-check_systemd_service#14',
    line: 'count_units=346 data_source=cli units_activating=0 units_active=216 units_failed=0',
    figures: 'count_units=346 units_activating=0 units_active=216 units_failed=0',
  },
  { seen: 'pgstef/check_pgbackrest#25', line: 'latest=incr,20211003-050002F_20211008-050002I', figures: '' },
  { seen: 'Icinga/icinga-powershell-framework#769', line: '17\n::ifw_diskhealth::diskwritessec=;;', figures: '' },
  { seen: 'Icinga/icinga2#2536', line: 'procs=1;1:;1:;0;', figures: 'procs=1;1:;1:;0' },
  {
    seen: 'ConSol-Monitoring/check_vsphere#30',
    line: "'disk:usage:average'=24365.0;;;;\n'monplugin_time'=0.186355s",
    figures: 'disk:usage:average=24365 monplugin_time=0.186355s',
  },
  {
    seen: 'centreon/centreon-plugins#1117',
    line: 'traffic_in_pass_em0.2507=1838511.47b/s;;;0;',
    figures: 'traffic_in_pass_em0.2507=1838511.47;;;0',
  },
  {
    seen: 'centreon/centreon-plugins#984',
    line: 'traffic_in_ajp-nio-8009=0.00b/s;;;0;',
    figures: 'traffic_in_ajp-nio-8009=0;;;0',
  },
  {
    seen: 'centreon/centreon-plugins#4075',
    line:
      "'used_03505457-c48c-4aa1-85d3-eb0eb0702216_NTNX-S4AJN128-A-CVM_" +
      "03505457-c48c-4aa1-85d3-eb0eb0702216'=571261091840B;;;0;1811559020421",
    figures:
      'used_03505457-c48c-4aa1-85d3-eb0eb0702216_NTNX-S4AJN128-A-CVM_' +
      '03505457-c48c-4aa1-85d3-eb0eb0702216=571261091840B;;;0;1811559020421',
  },
  {
    seen: 'madrisan/nagios-plugins-linux#11',
    line: 'cpu0_freq=4700000Hz;;;800000;5000000',
    figures: 'cpu0_freq=4700000;;;800000;5000000',
  },
  { seen: 'Icinga/icinga2#6406', line: 'uptime=352h;768;840;0;', figures: 'uptime=1267200s;2764800;3024000;0' },
  {
    seen: 'Icinga/icinga2#5541',
    line: "'paged bytes'=2.882G;5.46199;6.14499;0;6.828",
    figures: "'paged bytes'=2.882;5.46199;6.14499;0;6.828",
  },
  { seen: 'monitoring-plugins/monitoring-plugins#718', line: '65.000000%;0.000000;0.000000;0', figures: '' },
  {
    seen: 'centreon-archive/centreon-archived#4747',
    line: 'AB-1234C=99;20;5; AB-1234M=98;20;5; Waste Toner=-3;20;5;',
    figures: "AB-1234C=99;20;5 AB-1234M=98;20;5 'Waste Toner'=-3;20;5",
  },
  {
    seen: 'Icinga/icinga2#7022',
    line: "eth0_out_discard=0c ' 'eth1_in_octet''=1210083194c eth1_out_octet=429473467c",
    figures: 'eth0_out_discard=0c eth1_in_octet=1210083194c eth1_out_octet=429473467c',
  },
  { seen: 'Icinga/icinga2#6411', line: '"processor_total_time"=4.62368;;;;', figures: 'processor_total_time=4.62368' },
  {
    seen: 'shinken-solutions/shinken#836',
    line: "'/sys/fs/fuse/connections'=0MB;0;0;0;0 '/'=125016MB;143630;145142;0;151190",
    figures: '/sys/fs/fuse/connections=0B;0;0;0;0 /=131088777216B;150606970880;152192417792;0;158534205440',
  },
  { seen: 'Icinga/icinga2#10073', line: 'foo=inf', figures: '' },
  { seen: 'percona/percona-monitoring-plugins#38', line: 'wsrep_cluster_status=Primary;;non-Primary;0;', figures: '' },
  { seen: 'lingej/pnp4nagios#118', line: 'mytestvalue=U', figures: 'mytestvalue=U' },
  {
    seen: 'monitoring-plugins/monitoring-plugin-perl#4',
    line: "'Requests Hit Ratio 60min'=0.2%;; 'Byte Hit Ratio 5min'=%;; 'Byte Hit Ratio 60min'=%;;",
    figures: "'Requests Hit Ratio 60min'=0.2%",
  },
  { seen: 'paulgear/ntpmon#26', line: 'tracehosts=', figures: '' },
  { seen: 'centreon-archive/centreon-engine#115', line: 'perf=1, data=2', figures: 'perf=1 data=2' },
  { seen: 'Icinga/icinga-web#900', line: 'perfdata=15.5s|', figures: 'perfdata=15.5s' },
  {
    seen: 'monitoring-plugins/monitoring-plugins#1990',
    line: 'rta=U;;;; rtmax=U;;;; rtmin=U;;;; pl=100%;40;80;0;100',
    figures: 'rta=U rtmax=U rtmin=U pl=100%;40;80;0;100',
  },
  { seen: 'Icinga/icinga2#1952', line: '', figures: '' },
  {
    seen: 'monitoring-plugins/monitoring-plugins#1374',
    line: 'time=1,334256s;;;0,000000 size=380B;;;0 time_connect=0,000235s;;;  time_headers=0,000029s;;;',
    figures: 'time=1.334256s;;;0 size=380B;;;0 time_connect=0.000235s time_headers=0.000029s',
  },
  {
    seen: 'madrisan/nagios-plugins-linux#2',
    line: 'vmem_pgpgin/s=0, vmem_pgpgout/s=0, vmem_pgfault/s=13, vmem_pgmajfault/s=0',
    figures: 'vmem_pgpgin/s=0 vmem_pgpgout/s=0 vmem_pgfault/s=13 vmem_pgmajfault/s=0',
  },
  { seen: 'saj/pynagioscheck#2', line: 'cluster_nodes=2;;;;;', figures: 'cluster_nodes=2' },
  {
    seen: 'shinken-solutions/shinken#1812',
    line: 'percent_packet_loss=0, rta=0.80',
    figures: 'percent_packet_loss=0 rta=0.8',
  },
  {
    seen: 'Icinga/icingadb-web#699',
    line: 'Kernel=2;0;;0;2 Microcode=U;0;;0;1 Services=0;;0;0 Sessions=0;0;;0',
    figures: 'Kernel=2;0;;0;2 Microcode=U;0;;0;1 Services=0;;0;0 Sessions=0;0;;0',
  },
  {
    seen: 'r4sky0/nagios_check_paloalto#7',
    line: 'session=28330;40000;200000;0;524286 throughput=6139kbps;;;0',
    figures: 'session=28330;40000;200000;0;524286 throughput=6139;;;0',
  },
  {
    seen: 'Griesbacher/nagflux#19',
    line: 'time=6,049175s;;;0,000000;10,000000 size=555B;;;0',
    figures: 'time=6.049175s;;;0;10 size=555B;;;0',
  },
  {
    seen: 'monitoring-plugins/monitoring-plugins#1004',
    line: 'time=2.168183s;;;0.000000 size=686B;;;0 time_connect=1.702106s;;; time_ssl=0.248949s;;;',
    figures: 'time=2.168183s;;;0 size=686B;;;0 time_connect=1.702106s time_ssl=0.248949s',
  },
];

for (const { seen, line, figures } of printed) {
  test(`reads the line of ${seen}: ${line.slice(0, 40)}`, () => {
    assert.equal(formatPerfdata(parsePerfdata(line)), figures);
  });
}

test('there are enough lines that were seen somewhere', () => {
  assert.ok(printed.length >= 40);
  for (const { seen } of printed) assert.match(seen, /^[\w.-]+\/[\w.-]+#\d+$/);
});

const noNumbers = [
  'x=0x1F',
  'x=0b11',
  'x=0o17',
  'x=123_456',
  'ip=192.0.2.1',
  'ip=2001:db8::1',
  'version=1.2.3',
  'day=2026-11-20',
  ...['age=4h12m5s', 'age=1d3h', 'age=3m4s', 'age=5h30'],
];

for (const text of noNumbers) {
  test(`${text} is no figure, and the figure behind it is read`, () => {
    assert.equal(formatPerfdata(parsePerfdata(`${text} y=5s`)), 'y=5s');
  });
}

test('units become seconds, bytes, ratios and counts, and levels with them', () => {
  const one = (text: string) => parsePerfdata(text)[0];
  assert.deepEqual(one("'/ used'=57%;80;@90:95;0;100"), {
    label: '/ used',
    value: 0.57,
    unit: 'ratio',
    counter: false,
    warning: { low: 0, high: 0.8, inside: false },
    critical: { low: 0.9, high: 0.95, inside: true },
    minimum: 0,
    maximum: 1,
  });
  const units = {
    '1500ms': [1.5, 'seconds'],
    '20us': [2e-5, 'seconds'],
    '2KB': [2048, 'bytes'],
    '3GiB': [3 * 2 ** 30, 'bytes'],
  };
  for (const [text, [value, unit]] of Object.entries({
    ...units,
    '7c': [7, 'count'],
    '8rpm': [8, 'count'],
    '5b': [5, 'count'],
  })) {
    assert.deepEqual([one(`a=${text}`)?.value, one(`a=${text}`)?.unit], [value, unit], text);
  }
  assert.equal(one('a=7c')?.counter, true);
  assert.equal(one('a=7')?.counter, false);
});

test('a level with a unit is in that unit, and one of another kind than its value is none', () => {
  const kept = (text: string) => formatPerfdata(parsePerfdata(text));
  assert.equal(kept('a=2s;500ms;0.5min;0;1h'), 'a=2s;0.5;30;0;3600');
  assert.equal(kept('a=2GB;512MB:;@1GB:2GB'), 'a=2147483648B;536870912:;@1073741824:2147483648');
  assert.equal(kept('a=45%;80%;90%;0%;100%'), 'a=45%;80;90;0;100');
  assert.equal(kept('a=5;80%;10s'), 'a=5');
  assert.equal(kept('a=21C;30C;35 C'), 'a=21;30;35');
});

test('a decimal comma is a point, and commas between thousands are none', () => {
  const values = (text: string) => parsePerfdata(text).map(({ value }) => value);
  assert.deepEqual(values('a=0,5s b=1,234.5 c=1,234,567 d=-,5 e=1.5e3'), [0.5, 1234.5, 1234567, -0.5, 1500]);
});

test("thousands may have a ' between them, and a number with narrow blanks is no figure", () => {
  const values = (text: string) => parsePerfdata(text).map(({ label, value }) => `${label}=${value}`);
  assert.deepEqual(values("a=1'234 b=1\u2019234\u2019567.5s;2'000 'c d'=5"), ['a=1234', 'b=1234567.5', 'c d=5']);
  assert.equal(parsePerfdata("b=1'500s;2'000")[0]?.warning?.high, 2000);
  for (const odd of ["a=1'23", "a=1'2345", 'a=1\u00a0234', 'a=1\u202f234', 'a=1\u2009234'])
    assert.deepEqual(values(`${odd} y=5`), ['y=5'], odd);
});

test('labels with quotes, blanks and equals signs', () => {
  const labels = (text: string) => parsePerfdata(text).map(({ label }) => label);
  assert.deepEqual(labels(`'it''s'=1 'a b'=2 'x=y'=3 'z'''=4 c=5`), ["it's", 'a b', 'x=y', "z'", 'c']);
  assert.deepEqual(labels('pool=5;active=3;idle=2'), ['pool', 'active', 'idle']);
  assert.deepEqual(labels('pool=5,active=3,idle=2'), ['pool', 'active', 'idle']);
  assert.deepEqual(labels("'open=1"), ['open']);
  assert.deepEqual(labels('rta=12 ms;5;10 pl=0 %'), ['rta', 'pl']);
});

test('ranges', () => {
  assert.deepEqual(rangeOf('10'), { low: 0, high: 10, inside: false });
  assert.deepEqual(rangeOf('10:'), { low: 10, high: null, inside: false });
  assert.deepEqual(rangeOf('~:10'), { low: null, high: 10, inside: false });
  assert.deepEqual(rangeOf('@10:20'), { low: 10, high: 20, inside: true });
  for (const text of [undefined, '', 'never', '1:2:3', 'a:b', '@']) assert.equal(rangeOf(text), null, text);
});

test('figures are bounded, and what is too large for a number is unknown', () => {
  const many = Array.from({ length: 1000 }, (_, index) => `a${index}=1`).join(' ');
  assert.equal(parsePerfdata(many).length, maxFigures);
  assert.equal(parsePerfdata(`a=${'9'.repeat(400)}`)[0]?.value, null);
  assert.equal(parsePerfdata(`${'l'.repeat(5000)}=1`)[0]?.label.length, 128);
  assert.equal(parsePerfdata('a=1 a=2')[0]?.value, 1);
});

const piece = fc.constantFrom(
  "'",
  '"',
  '=',
  ';',
  '|',
  ' ',
  ',',
  '.',
  '-',
  '@',
  ':',
  '~',
  '1',
  '20',
  'U',
  'ms',
  '%',
  'c',
  'a',
  '\n',
  '\u202e',
  '\ud800',
);
const written = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ unit: codePoint }),
);

test('whatever a plugin writes, what is kept of it is read as the same again', () => {
  fc.assert(
    fc.property(written, (text) => {
      const figures = parsePerfdata(text);
      const kept = formatPerfdata(figures);
      assert.equal(formatPerfdata(parsePerfdata(kept)), kept);
      for (const { label, value } of figures) {
        assert.ok(value === null || Number.isFinite(value));
        assert.match(label, /^[^\p{Cc}\p{Cs}\u202e]+$/u);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a long line takes as long as it is', () => {
  for (const part of ["'", "''", 'a=', '=', ';a=', ',', '"x" ', ' ', '1,234,']) parsePerfdata(part.repeat(100_000));
});
