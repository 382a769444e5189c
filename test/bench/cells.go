package main

import "github.com/trivetdb/trivet/test/bench/load"

// cells are the works of a round. A server does those that it knows.
func cells() (works []load.Work) {
	add := func(name string, size, clients int, pipelines ...int) {
		for _, p := range pipelines {
			works = append(works, load.Work{Name: name, Size: size, Clients: clients, Pipeline: p})
		}
	}
	add("SET", 64, 1, 1)
	add("SET", 64, 50, 1, 16, 64)
	add("SET", 64, 500, 1)
	add("SET", 1024, 50, 1, 16)
	add("GET", 64, 1, 1)
	add("GET", 64, 50, 1, 16, 64)
	add("GET", 64, 500, 1)
	add("GET-ALL", 64, 50, 1, 16, 64)
	add("LPUSH", 64, 50, 1, 16, 64)
	add("LPUSH", 1024, 50, 16)
	add("RPOP", 64, 50, 1, 16, 64)
	add("JOBS", 64, 50, 1)
	add("JOBS", 64, 500, 1)
	add("JOBS", 1024, 50, 1)
	add("INCR", 64, 50, 1, 16)
	add("MSET", 64, 50, 1, 16)
	add("SCRIPT", 64, 50, 1, 16)
	return works
}

// growth are works at trivet alone, whose cost should not depend on what grows.
func growth(short bool) (works []series) {
	clients, elements, keys := []int{1, 10, 50, 100, 500, 1000}, 10_000_000, 10_000_000
	if short {
		clients, elements, keys = []int{1, 100}, 1000, 100_000
	}
	for _, name := range []string{"SET", "GET"} {
		s := series{name: "clients, " + name}
		for _, c := range clients {
			s.works = append(s.works, load.Work{Name: name, Size: 64, Clients: c, Pipeline: 1})
		}
		works = append(works, s)
	}
	s := series{name: "elements of a list"}
	for n := 10; n <= elements; n *= 10 {
		s.works = append(s.works, load.Work{Name: "LPUSH-RPOP", Size: 16, Clients: 50, Pipeline: 16, Keys: n})
	}
	works = append(works, s)
	s = series{name: "keys"}
	for n := 10_000; n <= keys; n *= 10 {
		for _, name := range []string{"GET", "SET"} { // GET loads the keys
			s.works = append(s.works, load.Work{Name: name, Size: 64, Clients: 50, Pipeline: 16, Keys: n})
		}
	}
	return append(works, s)
}

// A series is work that grows.
type series struct {
	name  string
	works []load.Work
}
