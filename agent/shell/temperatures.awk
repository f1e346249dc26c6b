# Sensors of /sys/class/hwmon, or else of /sys/class/thermal, from the shell: lines `chip/device/label/millidegrees`.

function temperatures(  i, n, m, line, f, name, count, celsius, why) {
  m = split(ENVIRON["fh_sensors"], line, "\n")
  family("temperature")
  for (i = 1; i <= m; i++) if (line[i] != "") { split(line[i], f, "\t"); count[f[1], f[3]]++ }
  for (i = 1; i <= m; i++) {
    if (line[i] == "" || ++n > 200) continue
    split(line[i], f, "\t"); celsius = f[4] / 1000
    row(); label("sensor", f[1] "/" (count[f[1], f[3]] > 1 ? f[2] "/" : "") f[3])
    # Inputs without a sensor, as in agent/probes/temperatures.ts.
    why = celsius > -60 && celsius < 200 && celsius != 0 && celsius != 127 ? "" : "not connected: " f[4]
    known("celsius", celsius, f[4] == "" ? "cannot be read" : why, 1)
  }
  if (n) done(n > 200 ? n - 200 : 0)
  else nothing("celsius", "no sensors")
}
