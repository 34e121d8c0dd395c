import { simulated } from "./simulated.ts"

// `simulatedProcess.mjs JOBS`: how long one of them takes in memory, and its processor time, in milliseconds. It is bundled
// as the program is, and has a process of its own: neither a loader's wrappers nor somebody else's heap is measured with it.

const jobs = Number(process.argv[2])
// Code is compiled while it runs.
simulated(Math.ceil(jobs / 4), 1)
const { cpu, elapsed } = simulated(jobs, 1)
console.log(elapsed / jobs, cpu / jobs)
