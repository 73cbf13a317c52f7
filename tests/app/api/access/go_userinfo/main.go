// Asks the service for its workflows and starts one, as unmodified clients in Go do: with net/http, and with the
// credential in the user information of the base URL alone.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	base := os.Args[1]
	requests := []struct{ method, path, body string }{
		{"GET", "/workflows?limit=10", ""},
		{"POST", "/workflows", `{"workflowDefinition":{"name":"echo","version":-1},"input":"{}","namespace":"dev","queue":"default","tags":{},"idSuffix":""}`},
		{"GET", "/whoami", ""},
	}
	for _, each := range requests {
		request, err := http.NewRequest(each.method, base+each.path, strings.NewReader(each.body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Client-Version", "1.0.0")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(response.Body)
		fmt.Printf("%d %s\n", response.StatusCode, strings.ReplaceAll(string(body), "\n", " "))
	}
}
