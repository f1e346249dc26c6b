/** Returns the CPU time of this process so far, and the most memory that it has held. */
export function processUse(): { readonly cpuMs: number; readonly maxRssBytes: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000), maxRssBytes: maxRSS * 1024 };
}
