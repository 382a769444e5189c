package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/node"
)

func secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Print a new secret for the nodes of a cluster",
		Long: `Print a secret, drawn by chance, that the nodes of a cluster prove to each other
that they know it. Make one for the cluster and give it to each node:

  trivet secret > peer.secret
  trivet serve --peer-secret-file peer.secret ...`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), node.NewSecret())
			return err
		},
	}
}
