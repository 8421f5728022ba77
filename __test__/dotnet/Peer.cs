// A .NET program that shares a file with Node.js and knows nothing of mmfile: a memory-mapped file of
// segments, each an Int32 with its size in bytes and then that many bytes of UTF-16. On Windows it has a name, and
// a named mutex that is held while a segment is added; on Linux it has a path, and this program is its only writer.
// It reads a command from each line, and writes a line with the result.

using System;
using System.IO;
using System.IO.MemoryMappedFiles;
using System.Text;
using System.Threading;

class Segments : IDisposable
{
    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;
    readonly Mutex mutex;
    readonly long limit;
    const long ControlSize = 4096, CapacityAt = 0x20;
    public int Abandoned;

    public Segments(string data, string mutexName, long capacity)
    {
        map = capacity > 0
            ? MemoryMappedFile.CreateNew(data, capacity)
            : MemoryMappedFile.OpenExisting(data);
        view = map.CreateViewAccessor();
        mutex = capacity > 0 ? new Mutex(false, mutexName) : Mutex.OpenExisting(mutexName);
        limit = view.Capacity;
    }

    public Segments(string path)
    {
        map = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        view = map.CreateViewAccessor();
        // The control block is the end of the file, and says how much of it is segments.
        limit = view.ReadInt64(new FileInfo(path).Length - ControlSize + CapacityAt);
    }

    public void Enter()
    {
        if (mutex == null) return;
        try { mutex.WaitOne(); }
        catch (AbandonedMutexException) { Abandoned += 1; }
    }

    public void Leave() { if (mutex != null) mutex.ReleaseMutex(); }

    long Skip(int index)
    {
        long at = 0;
        for (int segment = 0; segment != index; segment += 1)
        {
            int size = SizeAt(at);
            if (size == 0 || size == -1) return -1 - at;
            at += 4 + (size & 0x7fffffff);
        }
        return at;
    }

    int SizeAt(long at) { return at + 4 <= limit ? view.ReadInt32(at) : 0; }

    public int Append(string text)
    {
        Enter();
        try { return Put(text); }
        finally { Leave(); }
    }

    /// Enters, and writes a size without its bytes.
    public void Begin(string text)
    {
        Enter();
        long at = 0;
        for (int size; (size = view.ReadInt32(at)) != 0; ) at += 4 + (size & 0x7fffffff);
        view.Write(at, Encoding.Unicode.GetByteCount(text));
    }

    int Put(string text)
    {
        long at = 0;
        int index = 0;
        for (int size; (size = SizeAt(at)) != 0; index += 1)
        {
            if (size == -1) throw new InvalidOperationException("sealed");
            at += 4 + (size & 0x7fffffff);
        }
        byte[] bytes = Encoding.Unicode.GetBytes(text);
        if (at + 4 + bytes.Length > limit) throw new InvalidOperationException("full");
        int word = bytes.Length == 0 ? int.MinValue : bytes.Length;
        // The article's order, or the one in which readers see a segment whole or not at all.
        if (mutex != null) view.Write(at, word);
        view.WriteArray(at + 4, bytes, 0, bytes.Length);
        Interlocked.MemoryBarrier();
        if (mutex == null) view.Write(at, word);
        return index;
    }

    public string Read(int index)
    {
        long at = Skip(index);
        int size = at < 0 ? 0 : SizeAt(at);
        if (size == 0 || size == -1) return null;
        size &= 0x7fffffff;
        byte[] bytes = new byte[size];
        view.ReadArray(at + 4, bytes, 0, size);
        return Encoding.Unicode.GetString(bytes);
    }

    public void Dispose()
    {
        view.Dispose();
        map.Dispose();
        if (mutex != null) mutex.Dispose();
    }
}

static class Program
{
    static void Say(string text) { Console.Out.WriteLine(text); Console.Out.Flush(); }

    static int Main()
    {
        Segments file = null;
        Say("ready");
        for (string line; (line = Console.In.ReadLine()) != null; )
        {
            try { file = Obey(file, line.Split(' ')); }
            catch (Exception error) { Say("error " + error.GetType().Name + " " + error.Message); }
        }
        if (file != null) file.Dispose();
        return 0;
    }

    static Segments Obey(Segments file, string[] order)
    {
        switch (order[0])
        {
            case "create":
                file = new Segments(order[1], order[2], long.Parse(order[3]));
                Say("created");
                break;
            case "open":
                file = new Segments(order[1], order[2], 0);
                Say("opened");
                break;
            case "path":
                file = new Segments(order[1]);
                Say("opened");
                break;
            case "append": Say("at " + file.Append(order[1])); break;
            // Reads tasks, and adds what it has read. "nil": what is null, too, has an element.
            case "tasks":
                var tasks = Tasks.Read(file.Read(int.Parse(order[1])));
                Say("at " + file.Append(Tasks.Write(tasks, order[2] == "nil")));
                break;
            case "fields":
                string fields = Tasks.Fields(Tasks.Read(file.Read(int.Parse(order[1]))));
                Say("text " + Convert.ToBase64String(Encoding.Unicode.GetBytes(fields)));
                break;
            case "many":
                for (int number = 0; number < int.Parse(order[2]); number += 1)
                    Say("did " + number + " " + file.Append(order[1] + "-" + number));
                Say("done");
                break;
            case "begin": file.Begin(order[1]); Say("begun"); break;
            case "hold": file.Enter(); Say("held"); break;
            // A console has its own encoding.
            case "read":
                byte[] text = Encoding.Unicode.GetBytes(file.Read(int.Parse(order[1])));
                Say("text " + Convert.ToBase64String(text));
                break;
            case "abandoned": Say("abandoned " + file.Abandoned); break;
            default: Say("error unknown"); break;
        }
        return file;
    }
}
