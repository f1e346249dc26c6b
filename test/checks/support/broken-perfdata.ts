/** Lines of performance data that plugins have printed, each with its source. */
export const brokenPerfdata: readonly (readonly [seen: string, line: string, figures: string])[] = [
  [
    'shinken-solutions/shinken#858',
    "'Physical Memory Used'=12085620736Bytes; 'Physical Memory Utilisation'=94%;80;90;",
    "'Physical Memory Used'=12085620736B 'Physical Memory Utilisation'=94%;80;90",
  ],
  [
    'shawn-sterling/graphios#71',
    "'Intel(R) PRO/1000 MT Network Connection_in_prct'=0%;8000;9000;0;100 'Intel(R) " +
      "PRO/1000 MT Network Connection_speed_bps'=1000000000",
    "'Intel(R) PRO/1000 MT Network Connection_in_prct'=0%;8000;9000;0;100 'Intel(R) " +
      "PRO/1000 MT Network Connection_speed_bps'=1000000000",
  ],
  ['shawn-sterling/graphios#54', "'SMTP CONNECTIONS'=1766;7000;10000;;", "'SMTP CONNECTIONS'=1766;7000;10000"],
  [
    'shawn-sterling/graphios#54',
    'd:\\ Used Space=75.48Gb;90.00;95.00;0.00;100.00',
    "'d:\\ Used Space'=81046032875.52B;96636764160;102005473280;0;107374182400",
  ],
  [
    'shawn-sterling/graphios#54',
    'Memory usage=19730.51Mb;22372.50;23314.50;0.00;23550.00',
    "'Memory usage'=20688939253.76B;23459266560;24447025152;0;24693964800",
  ],
  ['shawn-sterling/graphios#54', '5 min avg Load=59%;80;90;0;100', "'5 min avg Load'=59%;80;90;0;100"],
  [
    'lausser/check_logfiles#17',
    'some space_lines=0 some space_warnings=0 some space_criticals=0 some space_unknowns=0',
    "'some space_lines'=0 'some space_warnings'=0 'some space_criticals'=0 'some space_unknowns'=0",
  ],
  ['BornToBeRoot/check_nextcloud#3', 'users_last_1_hour=20,', 'users_last_1_hour=20'],
  ['IBM/nagios-for-i#20', "'CPU Utilization' = 11.11%;10.0;20.0", "'CPU Utilization'=11.11%;10;20"],
  [
    'Icinga/icinga2#3606',
    'network=57518B/s;;;0; netI="vmxnet3 Ethernet Adapter _2";in=9143B/s;out=48375B/s ' +
      'netI="isatap.{92FA5A87}";in=0B/s;out=0B/s',
    'network=57518;;;0 in=9143 out=48375',
  ],
  [
    'slauger/check_netscaler#47',
    'ns.hacurstate=UP;; ns.hacurmasterstate=Primary;; hapktrxrate=5a;;;0; hapkttxrate=5a;;;0;',
    'hapktrxrate=5;;;0 hapkttxrate=5;;;0',
  ],
  ['shinken-solutions/shinken#914', 'time=3,263679s;;;0,000000 size=27885B;;;0 ', 'time=3.263679s;;;0 size=27885B;;;0'],
  ['nagios-plugins/nagios-plugins#526', 'offset=-0,082044s;0,000000;1,000000;', 'offset=-0.082044s;0;1'],
  [
    'madrisan/nagios-plugins-linux#140',
    'mem_dirty=52kB mem_inactive=14287416kB, vmem_pageins/s=0, vmem_pageouts/s=8926, vmem_pgmajfault/s=6',
    'mem_dirty=53248B mem_inactive=14630313984B vmem_pageins/s=0 vmem_pageouts/s=8926 vmem_pgmajfault/s=6',
  ],
  [
    'Icinga/icinga2#9330',
    'CpuIowait=0.75%;90;95;0; CpuIdle=12.47%;0,0;0; CpuNice=46.13%;0;0;0;',
    'CpuIowait=0.75%;90;95;0 CpuIdle=12.47%;0;0 CpuNice=46.13%;0;0;0',
  ],
  ['Icinga/icinga2#9282', "'testdb max'=Us;60;90", "'testdb max'=U;60;90"],
  ['Icinga/icinga2#3599', 'time=0,006561s;60,000000;120,000000;0,000000;120,000000', 'time=0.006561s;60;120;0;120'],
  [
    'patrikskrivanek/icinga2-check_systemd_service#14',
    'count_units=346 data_source=cli units_activating=0 units_active=216 units_failed=0',
    'count_units=346 units_activating=0 units_active=216 units_failed=0',
  ],
  ['pgstef/check_pgbackrest#25', 'latest=incr,20211003-050002F_20211008-050002I', ''],
  ['Icinga/icinga-powershell-framework#769', '17\n::ifw_diskhealth::diskwritessec=;;', ''],
  ['Icinga/icinga2#2536', 'procs=1;1:;1:;0;', 'procs=1;1:;1:;0'],
  [
    'ConSol-Monitoring/check_vsphere#30',
    "'disk:usage:average'=24365.0;;;;\n'monplugin_time'=0.186355s",
    'disk:usage:average=24365 monplugin_time=0.186355s',
  ],
  [
    'centreon/centreon-plugins#1117',
    'traffic_in_pass_em0.2507=1838511.47b/s;;;0;',
    'traffic_in_pass_em0.2507=1838511.47;;;0',
  ],
  ['centreon/centreon-plugins#984', 'traffic_in_ajp-nio-8009=0.00b/s;;;0;', 'traffic_in_ajp-nio-8009=0;;;0'],
  [
    'centreon/centreon-plugins#4075',
    "'used_03505457-c48c-4aa1-85d3-eb0eb0702216_NTNX-S4AJN128-A-CVM_03505457-c48c-4aa1-85d3-eb0eb0702216'=571261091840B;;;0;1811559020421",
    'used_03505457-c48c-4aa1-85d3-eb0eb0702216_NTNX-S4AJN128-A-CVM_03505457-c48c-4aa1-85d3-eb0eb0702216=571261091840B;;;0;1811559020421',
  ],
  ['madrisan/nagios-plugins-linux#11', 'cpu0_freq=4700000Hz;;;800000;5000000', 'cpu0_freq=4700000;;;800000;5000000'],
  ['Icinga/icinga2#6406', 'uptime=352h;768;840;0;', 'uptime=1267200s;2764800;3024000;0'],
  [
    'Icinga/icinga2#5541',
    "'paged bytes'=2.882G;5.46199;6.14499;0;6.828",
    "'paged bytes'=2.882;5.46199;6.14499;0;6.828",
  ],
  ['monitoring-plugins/monitoring-plugins#718', '65.000000%;0.000000;0.000000;0', ''],
  [
    'centreon-archive/centreon-archived#4747',
    'AB-1234C=99;20;5; AB-1234M=98;20;5; Waste Toner=-3;20;5;',
    "AB-1234C=99;20;5 AB-1234M=98;20;5 'Waste Toner'=-3;20;5",
  ],
  [
    'Icinga/icinga2#7022',
    "eth0_out_discard=0c ' 'eth1_in_octet''=1210083194c eth1_out_octet=429473467c",
    'eth0_out_discard=0c eth1_in_octet=1210083194c eth1_out_octet=429473467c',
  ],
  ['Icinga/icinga2#6411', '"processor_total_time"=4.62368;;;;', 'processor_total_time=4.62368'],
  [
    'shinken-solutions/shinken#836',
    "'/sys/fs/fuse/connections'=0MB;0;0;0;0 '/'=125016MB;143630;145142;0;151190",
    '/sys/fs/fuse/connections=0B;0;0;0;0 /=131088777216B;150606970880;152192417792;0;158534205440',
  ],
  ['Icinga/icinga2#10073', 'foo=inf', ''],
  ['percona/percona-monitoring-plugins#38', 'wsrep_cluster_status=Primary;;non-Primary;0;', ''],
  ['lingej/pnp4nagios#118', 'mytestvalue=U', 'mytestvalue=U'],
  [
    'monitoring-plugins/monitoring-plugin-perl#4',
    "'Requests Hit Ratio 60min'=0.2%;; 'Byte Hit Ratio 5min'=%;; 'Byte Hit Ratio 60min'=%;;",
    "'Requests Hit Ratio 60min'=0.2%",
  ],
  ['paulgear/ntpmon#26', 'tracehosts=', ''],
  ['centreon-archive/centreon-engine#115', 'perf=1, data=2', 'perf=1 data=2'],
  ['Icinga/icinga-web#900', 'perfdata=15.5s|', 'perfdata=15.5s'],
  [
    'monitoring-plugins/monitoring-plugins#1990',
    'rta=U;;;; rtmax=U;;;; rtmin=U;;;; pl=100%;40;80;0;100',
    'rta=U rtmax=U rtmin=U pl=100%;40;80;0;100',
  ],
  ['Icinga/icinga2#1952', '', ''],
  [
    'monitoring-plugins/monitoring-plugins#1374',
    'time=1,334256s;;;0,000000 size=380B;;;0 time_connect=0,000235s;;;  time_headers=0,000029s;;;',
    'time=1.334256s;;;0 size=380B;;;0 time_connect=0.000235s time_headers=0.000029s',
  ],
  [
    'madrisan/nagios-plugins-linux#2',
    'vmem_pgpgin/s=0, vmem_pgpgout/s=0, vmem_pgfault/s=13, vmem_pgmajfault/s=0',
    'vmem_pgpgin/s=0 vmem_pgpgout/s=0 vmem_pgfault/s=13 vmem_pgmajfault/s=0',
  ],
  ['saj/pynagioscheck#2', 'cluster_nodes=2;;;;;', 'cluster_nodes=2'],
  ['shinken-solutions/shinken#1812', 'percent_packet_loss=0, rta=0.80', 'percent_packet_loss=0 rta=0.8'],
  [
    'Icinga/icingadb-web#699',
    'Kernel=2;0;;0;2 Microcode=U;0;;0;1 Services=0;;0;0 Sessions=0;0;;0',
    'Kernel=2;0;;0;2 Microcode=U;0;;0;1 Services=0;;0;0 Sessions=0;0;;0',
  ],
  [
    'r4sky0/nagios_check_paloalto#7',
    'session=28330;40000;200000;0;524286 throughput=6139kbps;;;0',
    'session=28330;40000;200000;0;524286 throughput=6139;;;0',
  ],
  [
    'Griesbacher/nagflux#19',
    'time=6,049175s;;;0,000000;10,000000 size=555B;;;0',
    'time=6.049175s;;;0;10 size=555B;;;0',
  ],
  [
    'monitoring-plugins/monitoring-plugins#1004',
    'time=2.168183s;;;0.000000 size=686B;;;0 time_connect=1.702106s;;; time_ssl=0.248949s;;;',
    'time=2.168183s;;;0 size=686B;;;0 time_connect=1.702106s time_ssl=0.248949s',
  ],
];
