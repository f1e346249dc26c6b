import { emptyReport, functionReport, missing, rounded, type Facts, type Missing } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import { messageOf, type Source } from './source.ts';

interface Sensor {
  readonly chip: string;
  /** A name that distinguishes this chip from others of its kind and survives a reboot. */
  readonly device: string;
  readonly label: string;
  /** The name of the sensor's file, which distinguishes sensors of one device with one label. */
  readonly sensor: string;
  readonly file: string;
}

/** Reads /sys/class/hwmon, or /sys/class/thermal if hwmon has no sensors. */
export const temperatures: VisitProbe = {
  name: 'temperatures',
  deadlineMs: 500,
  reads: {
    // A sensor that cannot be read is there.
    names: [...ofMonitors('temp*_input'), '/sys/class/thermal/thermal_zone*/temp'],
    files: [
      ...['name', 'temp*_input', 'temp*_label'].flatMap(ofMonitors),
      ...['/sys/class/thermal/thermal_zone*/type', '/sys/class/thermal/thermal_zone*/temp'],
    ],
    links: ['/sys/class/hwmon/*/device'],
  },
  run: ({ source, leftMs }) => {
    const monitors = hardwareMonitors(source);
    const sensors = (monitors.length > 0 ? monitors : thermalZones(source)).slice(0, 999);
    if (sensors.length === 0) return { functions: [emptyReport('temperature', 'celsius', 'no sensors')] };
    // Some sensors are behind slow buses.
    const facts = sensors.map((sensor): Facts & { celsius: number | Missing } => ({
      sensor: nameOf(sensor, sensors),
      celsius: leftMs() > 0 ? celsius(sensor.file, source) : missing('no time left'),
    }));
    const heat = (value: number | Missing): number => (typeof value === 'number' ? value : -1000);
    facts.sort((one, other) => heat(other.celsius) - heat(one.celsius));
    return { functions: [functionReport('temperature', facts, 'sensor')] };
  },
};

function ofMonitors(file: string): readonly string[] {
  return ['/sys/class/hwmon/*', '/sys/class/hwmon/*/device'].map((folder) => `${folder}/${file}`);
}

/** Reads the sensors of hwmon. https://docs.kernel.org/hwmon/sysfs-interface.html */
function hardwareMonitors(source: Source): Sensor[] {
  return source.list('/sys/class/hwmon').flatMap((monitor) => {
    const own = `/sys/class/hwmon/${monitor}`;
    const inputsIn = (dir: string): string[] => source.list(dir).filter((file) => /^temp.*_input$/.test(file));
    // Before Linux 3.11 the files are those of the device.
    const folder = inputsIn(own).length > 0 ? own : `${own}/device`;
    const inputs = inputsIn(folder);
    if (inputs.length === 0) return [];
    const chip = told(source, `${folder}/name`) ?? monitor;
    const device = source.linkName(`${own}/device`) ?? monitor;
    return inputs.map((input): Sensor => {
      const sensor = input.slice(0, -'_input'.length);
      const label = told(source, `${folder}/${sensor}_label`) ?? sensor;
      return { chip, device, label, sensor, file: `${folder}/${input}` };
    });
  });
}

/** Returns the text of a file; null if it is empty, as some drivers leave their names. */
function told(source: Source, file: string): string | null {
  const text = source.readOptional(file)?.trim() ?? '';
  return text === '' ? null : text;
}

function thermalZones(source: Source): Sensor[] {
  const zones = source.list('/sys/class/thermal').filter((name) => name.startsWith('thermal_zone'));
  return zones.map((zone) => {
    const folder = `/sys/class/thermal/${zone}`;
    return {
      chip: 'thermal',
      device: zone,
      label: told(source, `${folder}/type`) ?? zone,
      sensor: zone,
      file: `${folder}/temp`,
    };
  });
}

/** Returns a name like `coretemp/Core 0`, with the device, and with the file, if two sensors would share the name. */
function nameOf({ chip, device, label, sensor, file }: Sensor, all: readonly Sensor[]): string {
  const namesakes = all.filter((other) => other.chip === chip && other.label === label);
  if (namesakes.length === 1) return `${chip}/${label}`;
  const isOwn = namesakes.filter((other) => other.device === device).length === 1;
  const named = `${chip}/${device}/${label}${isOwn ? '' : `/${sensor}`}`;
  // Two monitors of one device may have the same files.
  const isTwin = namesakes.filter((other) => other.device === device && other.sensor === sensor).length > 1;
  return isTwin ? `${named} ${/\w+\d(?=\/)/.exec(file)?.[0] ?? ''}`.trim() : named;
}

function celsius(file: string, source: Source): number | Missing {
  let text: string;
  try {
    text = source.read(file);
  } catch (error) {
    return missing(messageOf(error));
  }
  const value = parseInt(text, 10) / 1000;
  // The kernels of some boards tell whole degrees.
  if (value !== 0 && Math.abs(value) < 0.2 && file.endsWith('/temp'))
    return missing(`no thousandths of a degree: ${text.trim()}`);
  // Unconnected inputs show impossible temperatures, or exactly 0 or 127 (Super-I/O chips).
  return value > -60 && value < 200 && value !== 0 && value !== 127
    ? rounded(value, 1)
    : missing(`not connected: ${text.trim()}`);
}
