// graphile-worker, drained and timed for benches/jobs.
//
//   main.js drain JOBS WORKERS   makes so many jobs that do nothing, and says how many seconds they take
//   main.js latency JOBS         makes one each 20 ms, and says how long each waited
//
// DSN names the database. A worker is a process of its own, as Node's programs are scaled, with the local queue, the batches and the
// numbers of graphile-worker's own performance test: it locks 500 jobs at a time, does 24 at once and writes what is done at once with what
// else is done by then.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const EVERY = 20, BATCH = 1000, LOOK = 2;
/** As River's is: what is measured is the queue. */
const logger = new Logger(() => () => {});
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => performance.timeOrigin + performance.now();

/** The local queue is for jobs that wait in their thousands; where one comes at a time it only adds to the wait. */
const worker = (pool, drains, nothing) =>
    run({
        pgPool: pool,
        logger,
        noHandleSignals: true,
        taskList: { nothing },
        preset: {
            worker: {
                concurrentJobs: 24,
                pollInterval: EVERY,
                ...(drains ? { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
            },
        },
    });

const pool = new pg.Pool({ connectionString: process.env.DSN, max: 30 });
const position = async () => (await pool.query("SELECT pg_current_wal_insert_lsn()::text AS lsn")).rows[0].lsn;

async function work() {
    await pool.query("SELECT 1");
    process.send("ready");
    await once(process, "message");
    let done = 0;
    const runner = await worker(pool, true, () => {
        done++;
    });
    const saying = setInterval(() => {
        if (done > 0) process.send(done);
        done = 0;
    }, LOOK);
    await once(process, "message");
    clearInterval(saying);
    await runner.stop();
    await pool.end();
    process.disconnect();
}

async function drain(jobs, count, utils) {
    for (let made = 0; made < jobs; made += BATCH) {
        const some = Array.from({ length: Math.min(BATCH, jobs - made) }, () => ({ identifier: "nothing", payload: {} }));
        await utils.addJobs(some);
    }
    await pool.query("ANALYZE");
    const workers = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), ["work"]));
    await Promise.all(workers.map((one) => once(one, "message")));
    const from = await position(), started = now();
    let done = 0;
    for (const one of workers) {
        one.on("message", (more) => {
            done += more;
        });
        one.send("go");
    }
    while (done < jobs) await wait(LOOK);
    // Done is what is also written down: such a job is deleted.
    for (let left = 1; left > 0; ) {
        left = Number((await pool.query("SELECT count(*) AS left FROM graphile_worker._private_jobs")).rows[0].left);
    }
    const seconds = (now() - started) / 1000, to = await position();
    for (const one of workers) one.send("stop");
    await Promise.all(workers.map((one) => once(one, "exit")));
    return { ran: done, seconds, from, to };
}

async function latency(jobs, utils) {
    const waited = [];
    const runner = await worker(pool, false, ({ madeAt }) => {
        waited.push(now() - madeAt);
    });
    for (let made = 0, start = now(); made < jobs; made++) {
        await wait(Math.max(0, start + made * EVERY - now()));
        await utils.addJob("nothing", { madeAt: now() });
    }
    while (waited.length < jobs) await wait(LOOK);
    await runner.stop();
    waited.sort((a, b) => a - b);
    return { p50: waited[Math.floor(jobs / 2)], p99: waited[Math.floor((jobs * 99) / 100)] };
}

const [mode, jobs, count] = process.argv.slice(2);
if (mode === "work") {
    await work();
} else {
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    await utils.migrate();
    await pool.query("DELETE FROM graphile_worker._private_jobs");
    const figures = mode === "drain" ? await drain(Number(jobs), Number(count), utils) : await latency(Number(jobs), utils);
    console.log(JSON.stringify(figures));
    await utils.release();
    await pool.end();
}
