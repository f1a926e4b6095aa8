// The codec and the table, by BenchmarkDotNet: nanoseconds and bytes allocated. The path of a query without sockets is `bench/edge pipeline`.
//   dotnet run -c Release --project bench/micro -- --filter '*'            (or '*Codec*', '*Table*')
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MeshDns.Bench.Micro;

// In this process: nothing has to be generated and built, so it runs wherever the project does.
var job = Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance);
BenchmarkSwitcher.FromAssembly(typeof(CodecBenchmarks).Assembly).Run(args, ManualConfig.Create(DefaultConfig.Instance).AddJob(job).AddDiagnoser(MemoryDiagnoser.Default));
