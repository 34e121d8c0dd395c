import { type BlindCase, text } from "./BlindCase.ts"

const manyUnits = Object.fromEntries(
  Array.from({ length: 14 }, (_, unit) => [
    `src/unit${unit}.c`,
    text`
      #include <stdio.h>
      int unit${unit}(int error_count) {
        int unused_error;
        char name[8];
        sprintf(name, "unit %d", error_count);
        return printf("%s\n", name);
      }
    `
  ])
)

/** Go, C and C++: what compilers, linkers and their build tools say. */
export const compilerCases: ReadonlyArray<BlindCase> = [
  {
    name: "go-module-not-required",
    label: "module-missing",
    also: ["dependency-install"],
    phase: "build",
    project: "gateway",
    note: "an import that go.mod doesn't know",
    dockerfile: text`
      FROM BASE/golang:1.26 AS build
      WORKDIR /src
      COPY . .
      RUN CGO_ENABLED=0 go build -o /out/gateway ./cmd/gateway

      FROM scratch
      COPY --from=build /out/gateway /gateway
      ENTRYPOINT ["/gateway"]
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "cmd/gateway/main.go": text`
        package main

        import (
        	"net/http"

        	"github.com/gorilla/mux"
        )

        func main() {
        	http.ListenAndServe(":8080", mux.NewRouter())
        }
      `
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "no required module provides package github.com/gorilla/mux"
  },
  {
    name: "go-undefined",
    label: "compile-error",
    phase: "build",
    project: "gateway",
    note: "a mistyped function and an unused variable",
    dockerfile: text`
      FROM BASE/golang:1.26
      WORKDIR /src
      COPY go.mod ./
      RUN go mod download
      COPY *.go ./
      RUN go vet ./... || true
      RUN go build -o /usr/local/bin/gateway .
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "main.go": text`
        package main

        import "fmt"

        func main() {
        	retries := 3
        	fmt.Println(greet("gateway"))
        }
      `,
      "greet.go": 'package main\n\nfunc great(name string) string { return "hello " + name }\n'
    },
    step: { kind: "instruction", number: 7 },
    errorContains: "undefined: greet"
  },
  {
    name: "go-too-old",
    label: "dependency-conflict",
    also: ["dependency-install", "compile-error"],
    phase: "build",
    project: "gateway",
    note: "go.mod wants a newer Go than the image has, and the toolchain may not be fetched",
    dockerfile: text`
      FROM BASE/golang:1.26
      ENV GOTOOLCHAIN=local
      WORKDIR /src
      COPY . .
      RUN go build ./...
    `,
    files: { "go.mod": "module example.com/gateway\n\ngo 1.30.2\n", "main.go": "package main\n\nfunc main() {}\n" },
    step: { kind: "instruction", number: 5 },
    errorContains: "go.mod requires go >= 1.30.2"
  },
  {
    name: "go-revision-unknown",
    label: "package-missing",
    also: ["dependency-install"],
    phase: "build",
    project: "gateway",
    note: "a version of a module that was never tagged, behind a module proxy that says 403 to what it doesn't have",
    dockerfile: text`
      FROM BASE/golang:1.26
      ENV GOFLAGS=-mod=mod GOSUMDB=off GOPROXY=https://proxy.golang.org
      WORKDIR /src
      COPY go.mod main.go ./
      RUN go mod download -x
      RUN go build .
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n\nrequire github.com/google/uuid v1.99.0\n",
      "main.go": 'package main\n\nimport "github.com/google/uuid"\n\nfunc main() { println(uuid.NewString()) }\n'
    },
    step: { kind: "instruction", number: 5 },
    errorContains: "v1.99.0"
  },
  {
    name: "go-built-for-another-processor",
    label: "command-failed",
    also: ["crash"],
    phase: "build",
    project: "gateway",
    note: "a binary for arm64 is run on amd64",
    dockerfile: text`
      FROM BASE/golang:1.26
      WORKDIR /src
      COPY . .
      ENV GOARCH=arm64 CGO_ENABLED=0
      RUN go build -o /usr/local/bin/gateway .
      RUN ["/usr/local/bin/gateway", "--version"]
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "main.go": "package main\n\nfunc main() { println(1) }\n"
    },
    step: { kind: "instruction", number: 6 },
    errorContains: "exec format error"
  },
  {
    name: "go-test-failure",
    label: "assertion-failed",
    phase: "test",
    project: "gateway",
    note: "go test: one of two packages fails",
    dockerfile: text`
      FROM BASE/golang:1.26
      WORKDIR /src
      COPY . .
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "limit/limit.go": "package limit\n\nfunc Allow(used, max int) bool { return used <= max }\n",
      "limit/limit_test.go": text`
        package limit

        import "testing"

        func TestAllow(t *testing.T) {
        	for _, c := range []struct {
        		used, max int
        		want      bool
        	}{{0, 1, true}, {1, 1, false}, {2, 1, false}} {
        		if got := Allow(c.used, c.max); got != c.want {
        			t.Errorf("Allow(%d, %d) = %v, want %v", c.used, c.max, got, c.want)
        		}
        	}
        }
      `,
      "path/path_test.go":
        'package path\n\nimport "testing"\n\nfunc TestError(t *testing.T) { t.Log("error paths are fine") }\n'
    },
    test: { commands: ["go test -v ./..."] },
    step: { kind: "command", index: 0 },
    errorContains: "Allow(1, 1) = true, want false"
  },
  {
    name: "go-panic",
    label: "crash",
    phase: "test",
    project: "gateway",
    note: "a nil map's method dereferences nil in a static binary",
    dockerfile: text`
      FROM BASE/golang:1.26 AS build
      WORKDIR /src
      COPY . .
      RUN CGO_ENABLED=0 go build -o /gateway .

      FROM BASE/busybox:1.35
      COPY --from=build /gateway /usr/bin/gateway
      CMD ["gateway"]
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "main.go": text`
        package main

        import "fmt"

        type route struct{ name string }

        func find(routes map[string]*route, name string) *route { return routes[name] }

        func main() {
        	fmt.Println("gateway 0.4.1 starting")
        	fmt.Println(find(nil, "default").name)
        }
      `
    },
    test: { entry_point: true },
    errorContains: "invalid memory address or nil pointer dereference"
  },
  {
    name: "c-header-missing",
    label: "compile-error",
    also: ["file-missing", "dependency-install"],
    phase: "build",
    project: "codec",
    note: "the development package of a library isn't installed",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN make
    `,
    files: {
      Makefile: "CFLAGS = -O2 -Wall\n\ncodec: codec.o\n\t$(CC) -o $@ $^ -llzma\n",
      "codec.c": "#include <stdio.h>\n#include <lzma.h>\n\nint main(void) { return puts(lzma_version_string()) < 0; }\n"
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "lzma.h: No such file or directory"
  },
  {
    name: "c-undefined-reference",
    label: "compile-error",
    phase: "build",
    project: "codec",
    note: "the linker misses a library's function",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN gcc -Wall -c -o main.o main.c && gcc -Wall -c -o wave.o wave.c && gcc -o codec main.o wave.o
    `,
    files: {
      "main.c": "int decode(int);\nint main(int argc, char **argv) { return decode(argc); }\n",
      "wave.c": "int resample(int);\nint decode(int rate) { return resample(rate) + 1; }\n"
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "undefined reference to `resample'"
  },
  {
    name: "c-warnings-then-error",
    label: "compile-error",
    phase: "build",
    project: "codec",
    note: "a parallel make: dozens of warnings, one error in the middle, and make's own words last",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN make -j2 -k all
    `,
    files: {
      ...manyUnits,
      "src/unit7.c": "#include <stdio.h>\n\nint unit7(struct frame *f) {\n  return f->length + undeclared_offset;\n}\n",
      Makefile: text`
        OBJECTS = $(patsubst src/%.c,build/%.o,$(sort $(wildcard src/*.c)))

        all: libcodec.a

        build/%.o: src/%.c
        	@mkdir -p build
        	$(CC) -O2 -Wall -Wextra -Wformat-overflow=2 -c -o $@ $<

        libcodec.a: $(OBJECTS)
        	$(AR) rcs $@ $^
      `
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "src/unit7.c:4"
  },
  {
    name: "make-no-rule",
    label: "file-missing",
    also: ["compile-error", "command-failed"],
    phase: "build",
    project: "codec",
    note: "a generated source was never committed",
    dockerfile: text`
      FROM BASE/gcc:12
      COPY . /src
      RUN make -C /src codec
    `,
    files: {
      Makefile: "codec: codec.o tables.o\n\t$(CC) -o $@ $^\n\ntables.o: generated/tables.c\n\t$(CC) -c -o $@ $<\n",
      "codec.c": "int table(int);\nint main(void) { return table(0); }\n"
    },
    step: { kind: "instruction", number: 3 },
    errorContains: "No rule to make target 'generated/tables.c'"
  },
  {
    name: "cmake-package-not-found",
    label: "dependency-install",
    also: ["package-missing", "module-missing", "file-missing", "compile-error"],
    phase: "build",
    project: "codec",
    note: "find_package(… REQUIRED) of a library that isn't installed",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN cmake -S . -B build -DCMAKE_BUILD_TYPE=Release
      RUN cmake --build build
    `,
    files: {
      "CMakeLists.txt": text`
        cmake_minimum_required(VERSION 3.18)
        project(codec C)
        find_package(Threads)
        find_package(LibXml2 REQUIRED)
        add_executable(codec codec.c)
        target_link_libraries(codec LibXml2::LibXml2)
      `,
      "codec.c": "int main(void) { return 0; }\n"
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "Could NOT find LibXml2"
  },
  {
    name: "cpp-compiler-killed",
    label: "out-of-memory",
    also: ["compile-error"],
    phase: "build",
    project: "codec",
    note: "the kernel kills cc1plus for want of memory in its group; make only says «Error 1»",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN make
    `,
    files: {
      Makefile: "codec: huge.cc\n\t$(CXX) -O1 -ftemplate-depth=100000 -o $@ $<\n",
      "huge.cc": text`
        template <int N, int M> struct grid {
          static constexpr unsigned long value = grid<N - 1, M>::value + grid<N - 1, M + 1>::value;
        };
        template <int M> struct grid<0, M> { static constexpr unsigned long value = M; };
        int main() { return grid<9000, 0>::value == 0; }
      `
    },
    before: (surroundings) => Promise.resolve(surroundings.limitMemory(900)),
    step: { kind: "instruction", number: 4 },
    errorContains: "Killed signal terminated program cc1plus"
  },
  {
    name: "c-segmentation-fault",
    label: "crash",
    phase: "test",
    project: "codec",
    note: "exit code 139 after ordinary output",
    dockerfile: text`
      FROM BASE/gcc:12 AS build
      COPY codec.c /src/
      RUN gcc -O0 -static -o /codec /src/codec.c

      FROM BASE/busybox:1.35
      COPY --from=build /codec /usr/bin/codec
    `,
    files: {
      "codec.c": text`
        #include <stdio.h>

        int main(int argc, char **argv) {
          int *frame = argc > 5 ? &argc : NULL;
          printf("decoding 3 frames\n");
          fflush(stdout);
          printf("%d\n", *frame);
          return 0;
        }
      `
    },
    test: { commands: ["codec --self-test"] },
    step: { kind: "command", index: 0 },
    errorContains: "Segmentation fault"
  },
  {
    name: "shared-library-missing",
    label: "file-missing",
    also: ["module-missing"],
    phase: "test",
    project: "codec",
    note: "the second stage forgot a shared library: exit code 127 though the program is there",
    dockerfile: text`
      FROM BASE/gcc:12 AS build
      WORKDIR /src
      COPY . .
      RUN gcc -shared -fPIC -o libframes.so frames.c && gcc -o codec codec.c -L. -lframes

      FROM BASE/debian:bookworm
      COPY --from=build /src/codec /usr/local/bin/codec
      CMD ["codec"]
    `,
    files: {
      "frames.c": "int frames(void) { return 3; }\n",
      "codec.c": "int frames(void);\nint main(void) { return frames() - 3; }\n"
    },
    test: { commands: ["codec"] },
    step: { kind: "command", index: 0 },
    errorContains: "libframes.so: cannot open shared object file"
  },
  {
    name: "glibc-program-on-busybox",
    label: "command-not-found",
    also: ["file-missing"],
    phase: "test",
    project: "codec",
    note: "a dynamically linked program in an image without its loader: «not found», though it is there",
    dockerfile: text`
      FROM BASE/gcc:12 AS build
      COPY codec.c /src/
      RUN gcc -O2 -o /codec /src/codec.c

      FROM BASE/busybox:1.35
      COPY --from=build /codec /usr/bin/codec
    `,
    files: { "codec.c": "int main(void) { return 0; }\n" },
    test: { commands: ["ls -l /usr/bin/codec && /usr/bin/codec"] },
    step: { kind: "command", index: 0 },
    errorContains: "not found"
  },
  {
    name: "makefile-with-spaces",
    label: "syntax-error",
    phase: "build",
    project: "codec",
    note: "a Makefile whose editor turned tabs into spaces",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /src
      COPY . .
      RUN make
    `,
    files: {
      Makefile: "all: codec\n\ncodec: codec.c\n    $(CC) -o $@ $<\n",
      "codec.c": "int main(void) { return 0; }\n"
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "missing separator"
  },
  {
    name: "cpp-template-noise",
    label: "compile-error",
    phase: "build",
    project: "codec",
    note: "one wrong argument of std::sort, and pages of notes about it",
    dockerfile: text`
      FROM BASE/gcc:12
      COPY frames.cc /src/
      RUN g++ -std=c++17 -O0 -o /usr/local/bin/frames /src/frames.cc
    `,
    files: {
      "frames.cc": text`
        #include <algorithm>
        #include <list>
        #include <map>
        #include <string>

        int main() {
          std::map<std::string, std::list<int>> error_frames;
          error_frames["first"] = {3, 1, 2};
          std::sort(error_frames["first"].begin(), error_frames["first"].end());
          return error_frames.size() == 0;
        }
      `
    },
    step: { kind: "instruction", number: 3 },
    errorContains: "error: no match for"
  },
  {
    name: "go-test-does-not-compile",
    label: "compile-error",
    phase: "test",
    project: "gateway",
    note: "go test: a package's tests don't compile, the others pass",
    dockerfile: text`
      FROM BASE/golang:1.26
      WORKDIR /src
      COPY . .
    `,
    files: {
      "go.mod": "module example.com/gateway\n\ngo 1.22\n",
      "limit/limit.go": "package limit\n\nfunc Allow(used, max int) bool { return used < max }\n",
      "limit/limit_test.go": text`
        package limit

        import "testing"

        func TestAllow(t *testing.T) {
        	if !Allow(0, "1") {
        		t.Fatal("an error that never shows")
        	}
        }
      `,
      "path/path_test.go": 'package path\n\nimport "testing"\n\nfunc TestClean(t *testing.T) {}\n'
    },
    test: { commands: ["go test ./..."] },
    step: { kind: "command", index: 0 },
    errorContains: 'cannot use "1"'
  }
]
