import si from 'systeminformation';

/** The functions of systeminformation that are used. Each starts programs of the system and may hang. */
export const information = {
  system: si.system,
  bios: si.bios,
  baseboard: si.baseboard,
  cpu: si.cpu,
  mem: si.mem,
  memLayout: si.memLayout,
  diskLayout: si.diskLayout,
  blockDevices: si.blockDevices,
  networkInterfaces: si.networkInterfaces,
  networkStats: si.networkStats,
  osInfo: si.osInfo,
  fsSize: si.fsSize,
  processes: si.processes,
};
