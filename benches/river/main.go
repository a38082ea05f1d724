// River, drained and timed for benches/jobs.
//
//	river drain JOBS CLIENTS   makes so many jobs that do nothing, and says how many seconds they take
//	river latency JOBS         makes one each 20 ms, and says how long each waited
//
// DSN names the database. The clients are tuned: they fetch every 2 ms, poll every 20 ms and have 2,000 slots, where River's
// defaults are 100 ms, a second and what its user says.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	slots = 2000
	batch = 1000
	every = 20 * time.Millisecond
	look  = 2 * time.Millisecond
)

// Nothing is a job that does nothing, made at so many nanoseconds since 1970.
type Nothing struct {
	MadeAt int64 `json:"made_at"`
}

func (Nothing) Kind() string { return "nothing" }

type seen struct {
	river.WorkerDefaults[Nothing]
	lock   sync.Mutex
	done   int
	waited []float64
}

func (s *seen) Work(_ context.Context, job *river.Job[Nothing]) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.done++
	if job.Args.MadeAt > 0 {
		s.waited = append(s.waited, float64(time.Now().UnixNano()-job.Args.MadeAt)/1e6)
	}
	return nil
}

func (s *seen) count() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.done
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func connect(ctx context.Context) *pgxpool.Pool {
	config, err := pgxpool.ParseConfig(os.Getenv("DSN"))
	check(err)
	config.MaxConns = 10
	pool, err := pgxpool.NewWithConfig(ctx, config)
	check(err)
	return pool
}

func begin(ctx context.Context, s *seen) *river.Client[pgx.Tx] {
	workers := river.NewWorkers()
	river.AddWorker(workers, s)
	client, err := river.NewClient(riverpgxv5.New(connect(ctx)), &river.Config{
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
		Logger:            slog.New(slog.NewTextHandler(io.Discard, nil)),
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: slots}},
		Workers:           workers,
	})
	check(err)
	check(client.Start(ctx))
	return client
}

func say(figures map[string]any) { check(json.NewEncoder(os.Stdout).Encode(figures)) }

func main() {
	ctx := context.Background()
	mode := os.Args[1]
	jobs, err := strconv.Atoi(os.Args[2])
	check(err)
	pool := connect(ctx)
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	check(err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	check(err)
	_, err = pool.Exec(ctx, "TRUNCATE river_job")
	check(err)
	inserter, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	check(err)
	s := &seen{}
	if mode == "latency" {
		client := begin(ctx, s)
		ticks := time.NewTicker(every)
		for range jobs {
			<-ticks.C
			_, err := inserter.Insert(ctx, Nothing{MadeAt: time.Now().UnixNano()}, nil)
			check(err)
		}
		for s.count() < jobs {
			time.Sleep(look)
		}
		check(client.Stop(ctx))
		slices.Sort(s.waited)
		say(map[string]any{"p50": s.waited[jobs/2], "p99": s.waited[jobs*99/100]})
		return
	}
	count, err := strconv.Atoi(os.Args[3])
	check(err)
	for made := 0; made < jobs; made += batch {
		some := make([]river.InsertManyParams, 0, batch)
		for range min(batch, jobs-made) {
			some = append(some, river.InsertManyParams{Args: Nothing{}})
		}
		_, err := inserter.InsertManyFast(ctx, some)
		check(err)
	}
	_, err = pool.Exec(ctx, "ANALYZE river_job")
	check(err)
	from := position(ctx, pool)
	started := time.Now()
	clients := []*river.Client[pgx.Tx]{}
	for range count {
		clients = append(clients, begin(ctx, s))
	}
	for s.count() < jobs {
		time.Sleep(look)
	}
	// Done is what is also written down.
	for left := 1; left > 0; {
		check(pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&left))
	}
	took := time.Since(started).Seconds()
	to := position(ctx, pool)
	for _, client := range clients {
		check(client.Stop(ctx))
	}
	say(map[string]any{"ran": s.count(), "seconds": took, "from": from, "to": to})
}

// position is where the server's log ends.
func position(ctx context.Context, pool *pgxpool.Pool) string {
	var lsn string
	check(pool.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn))
	return lsn
}
