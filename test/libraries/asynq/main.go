// Command asynq is a worker or a producer of jobs of asynq: asynq work, asynq produce.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hibiken/asynq"
)

func connection() asynq.RedisConnOpt {
	nodes := strings.Split(os.Getenv("NODES"), ",")
	switch os.Getenv("MODE") {
	case "sentinel":
		return asynq.RedisFailoverClientOpt{MasterName: "mymaster", SentinelAddrs: nodes}
	case "cluster":
		return asynq.RedisClusterClientOpt{Addrs: nodes, MaxRedirects: 8}
	}
	return asynq.RedisClientOpt{Addr: nodes[0]}
}

func main() {
	switch os.Args[1] {
	case "work":
		if err := work(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "produce":
		newProducer().run()
	}
}
