// edge pipeline [NAMES]            the query path without sockets: nanoseconds of CPU and bytes allocated a query
// edge serve PORT NAMES CHANGES    a directory of NAMES (svc-00000.mesh.internal ...) on 127.0.0.1:PORT, CHANGES of them replaced a second
using MeshDns.Bench.Edge;

switch (args)
{
    case ["pipeline"]:
        PipelineTimes.Print(10_000);
        return 0;
    case ["pipeline", { } count]:
        PipelineTimes.Print(Number(count));
        return 0;
    case ["serve", { } port, { } names, { } changes]:
        await Serving.RunAsync(Number(port), Number(names), Number(changes));
        return 0;
    default:
        Console.Error.WriteLine("usage: edge pipeline [NAMES] | edge serve PORT NAMES CHANGES");
        return 2;
}

static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
