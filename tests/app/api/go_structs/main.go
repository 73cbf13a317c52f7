// Decodes answers into structs of the shapes that wag generates from the peer's swagger.
//
// Each line of the standard input is {"into": SHAPE, "answer": JSON}. An answer that does not fit ends the program
// with status 1 and the reason, as it ends the call of a generated client.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type rule struct {
	Next, Variable                                                 string
	And, Or                                                        []*rule
	Not                                                            *rule
	BooleanEquals, IsNull, IsPresent                               *bool
	NumericEquals, NumericLessThanEquals, NumericGreaterThanEquals *int64
	NumericLessThan, NumericGreaterThan                            *float64
	StringEquals, StringLessThan, StringGreaterThan                *string
	StringLessThanEquals, StringGreaterThanEquals                  *string
	TimestampEquals, TimestampLessThan, TimestampGreaterThan       *time.Time
	TimestampLessThanEquals, TimestampGreaterThanEquals            *time.Time
}

type retrier struct {
	IntervalSeconds, MaxAttempts int64
	BackoffRate                  float64
	ErrorEquals                  []string
}

type catcher struct {
	ErrorEquals      []string
	ResultPath, Next string
}

type state struct {
	Type, Resource, Comment, Next, Default, Error, Cause      string
	InputPath, ItemsPath, OutputPath, ResultPath, Result      string
	Timestamp, SecondsPath, TimestampPath                     string
	End                                                       bool
	Parameters                                                map[string]interface{}
	ResultSelector                                            map[string]string
	MaxConcurrency, TimeoutSeconds, HeartbeatSeconds, Seconds int64
	Retry                                                     []*retrier
	Catch                                                     []*catcher
	Choices                                                   []*rule
	Branches                                                  []*machine
	Iterator                                                  *machine
}

type machine struct {
	StartAt, Comment, Version string
	TimeoutSeconds            int64
	States                    map[string]state
}

type definition struct {
	ID, Name, Manager string
	Version           int64
	CreatedAt         time.Time
	StateMachine      *machine
	DefaultTags       map[string]interface{}
}

type attempt struct {
	CreatedAt, StartedAt, StoppedAt       time.Time
	ContainerInstanceARN, TaskARN, Reason string
	ExitCode                              int64
}

type resource struct {
	Name, Namespace, URI, Type string
	LastUpdated                time.Time
}

type job struct {
	ID, Container, Name, Queue, State, Status, StatusReason, Input, Output string
	CreatedAt, StartedAt, StoppedAt                                        time.Time
	Attempts                                                               []*attempt
	StateResource                                                          *resource
}

type workflow struct {
	ID, Namespace, Queue, Status, StatusReason, Input, Output, RetryFor string
	CreatedAt, StoppedAt, LastUpdated                                   time.Time
	WorkflowDefinition                                                  *definition
	ResolvedByUser                                                      bool
	Retries                                                             []string
	Tags                                                                map[string]interface{}
	LastJob                                                             *job
	Jobs                                                                []*job
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var given struct {
			Into   string
			Answer json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			fail("the line", err)
		}
		shapes := map[string]interface{}{
			"definition":  &definition{},
			"definitions": &[]definition{},
			"workflow":    &workflow{},
			"workflows":   &[]workflow{},
		}
		if err := json.Unmarshal(given.Answer, shapes[given.Into]); err != nil {
			fail(given.Into, err)
		}
	}
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	os.Exit(1)
}
