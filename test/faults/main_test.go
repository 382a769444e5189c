package faults

import (
	"os"
	"testing"

	"github.com/trivetdb/trivet/test/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, func(testing.TB) {})) }
