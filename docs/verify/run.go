// Reads cases of vectors.txt without their second column, and says what verify.go makes of each.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		part := strings.Split(lines.Text(), "|")
		headers := http.Header{}
		headers.Set("webhook-id", part[2])
		headers.Set("webhook-timestamp", part[3])
		headers.Set("webhook-signature", part[4])
		seconds, _ := strconv.ParseInt(part[5], 10, 64)
		body, _ := base64.StdEncoding.DecodeString(part[6])
		answer := "bad"
		if Verify(part[1], headers, body, time.Unix(seconds, 0)) {
			answer = "good"
		}
		fmt.Println(part[0] + "|" + answer)
	}
}
